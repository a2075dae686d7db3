"""What agencies write: names of workflows, steps and messages, in seven languages."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Tongue:
    """How people of one language write. `{who}` is the business, `{link}` a link."""

    greeting: str
    offer: str
    question: str
    reminder: str
    thanks: str
    last_try: str
    opt_out: str
    yes: str
    no: str
    subjects: tuple[str, ...]


TONGUES = (
    Tongue(
        greeting="Hi {{contact.first_name}}, {who} here. We got your request and will call today.",
        offer="{{contact.first_name}}, this month you save 15% at {who}. Book here: {link}",
        question="Would Tuesday or Thursday suit you better, {{contact.first_name}}?",
        reminder="Reminder from {who}: we see you on {{appointment.start_time}}.",
        thanks="Thanks for choosing {who}, {{contact.first_name}}! How did we do? {link}",
        last_try="We tried to reach you a few times. Shall we close your file?",
        opt_out="Reply STOP to opt out.",
        yes="Yes, interested",
        no="None of these",
        subjects=("Your request at {who}", "A small question", "Last chance this month"),
    ),
    Tongue(
        greeting="Hola {{contact.first_name}}, somos {who}. Recibimos tu solicitud y todo va bien.",
        offer="{{contact.first_name}}, en {who} tienes todo el mes un 15% menos: {link}",
        question="¿Te viene mejor el martes o el jueves, {{contact.first_name}}?",
        reminder="{who} te recuerda tu cita del {{appointment.start_time}}.",
        thanks="¡Gracias por elegir {who}, {{contact.first_name}}! ¿Cómo fue todo? {link}",
        last_try="Hemos intentado hablar contigo varias veces. ¿Cerramos tu expediente?",
        opt_out="Responde STOP para darte de baja.",
        yes="Sí, interesado",
        no="Ninguna",
        subjects=("Tu solicitud en {who}", "Una pregunta", "Todo listo para tu visita"),
    ),
    Tongue(
        greeting="Hallo {{contact.first_name}}, hier ist {who}. Deine Anfrage ist angekommen.",
        offer="{{contact.first_name}}, bei {who} sparst du diesen Monat 15 %: {link}",
        question="Passt dir Dienstag oder Donnerstag besser, {{contact.first_name}}?",
        reminder="{who} erinnert an den Termin am {{appointment.start_time}}.",
        thanks="Danke, dass du bei {who} warst! Wie war es? {link}",
        last_try="Wir haben dich leider nicht erreicht. Sollen wir die Anfrage schließen?",
        opt_out="Mit STOP abmelden.",
        yes="Interesse",
        no="Keiner davon",
        subjects=("Deine Anfrage bei {who}", "Kurze Frage", "Nur noch diese Woche"),
    ),
    Tongue(
        greeting="Bonjour {{contact.first_name}}, ici {who}. Nous avons bien reçu votre demande.",
        offer="{{contact.first_name}}, -15 % chez {who} tout ce mois-ci : {link}",
        question="Mardi ou jeudi, qu'est-ce qui vous convient, {{contact.first_name}} ?",
        reminder="{who} vous rappelle votre rendez-vous du {{appointment.start_time}}.",
        thanks="Merci d'avoir choisi {who} ! Votre avis nous intéresse : {link}",
        last_try="Nous n'avons pas réussi à vous joindre. Faut-il clore votre dossier ?",
        opt_out="Répondez STOP pour vous désabonner.",
        yes="Oui, intéressé",
        no="Aucun",
        subjects=("Votre demande chez {who}", "Une petite question", "Derniers jours"),
    ),
    Tongue(
        greeting="Oi {{contact.first_name}}, aqui é da {who}. Recebemos seu pedido, está tudo certo.",
        offer="{{contact.first_name}}, este mês você economiza 15% na {who}: {link}",
        question="Terça ou quinta fica melhor para você, {{contact.first_name}}?",
        reminder="{who} lembra do seu horário em {{appointment.start_time}}.",
        thanks="Obrigado por escolher a {who}! Como foi? {link}",
        last_try="Tentamos falar com você algumas vezes. Podemos encerrar o pedido?",
        opt_out="Responda STOP para sair.",
        yes="Sim, interessado",
        no="Nenhum",
        subjects=("Seu pedido na {who}", "Uma pergunta rápida", "Só até sexta"),
    ),
    Tongue(
        greeting="Hoi {{contact.first_name}}, dit is {who}. We hebben je aanvraag ontvangen.",
        offer="{{contact.first_name}}, deze maand 15% korting bij {who}: {link}",
        question="Komt dinsdag of donderdag beter uit, {{contact.first_name}}?",
        reminder="{who} herinnert je aan je afspraak op {{appointment.start_time}}.",
        thanks="Bedankt dat je bij {who} was! Hoe ging het? {link}",
        last_try="We konden je niet bereiken. Zullen we je aanvraag sluiten?",
        opt_out="Antwoord STOP om je af te melden.",
        yes="Ja, graag",
        no="Geen van deze",
        subjects=("Je aanvraag bij {who}", "Korte vraag", "Nog deze week"),
    ),
    Tongue(
        greeting="Ciao {{contact.first_name}}, qui {who}. Abbiamo ricevuto la tua richiesta.",
        offer="{{contact.first_name}}, questo mese risparmi il 15% da {who}: {link}",
        question="Preferisci martedì o giovedì, {{contact.first_name}}?",
        reminder="{who} ti ricorda l'appuntamento del {{appointment.start_time}}.",
        thanks="Grazie per aver scelto {who}! Com'è andata? {link}",
        last_try="Non siamo riusciti a contattarti. Chiudiamo la richiesta?",
        opt_out="Rispondi STOP per non ricevere altri messaggi.",
        yes="Sì, interessato",
        no="Nessuno",
        subjects=("La tua richiesta a {who}", "Una domanda veloce", "Ultimi giorni"),
    ),
)

TRADES = (
    "Smile Dental", "Iron Gym", "Sunpeak Solar", "Harbor Homes", "Kestrel Law", "La Mesa",
    "Velvet Hair", "Torque Garage", "Papaya Shop", "Next Step Coaching", "Ridge Roofing",
    "Paws Clinic", "Clear Pool", "Bella Spa", "North Tutoring", "Green Lawn",
)  # fmt: skip
LINKS = (
    "https://{{location.website}}/book",
    "{{custom_values.booking_link}}",
    "{{ custom_values.review_link }}",
    "https://g.page/r/CbX/review",
)
PREFIXES = ("", "[LIVE] ", "01 - ", "✅ ", "ZZ ", "2026 / ", "(copy) ")


@dataclass(frozen=True)
class Voice:
    """One business that speaks one language."""

    tongue: Tongue
    who: str

    def sms(self, random: Random, kind: str, *, first: bool = False) -> str:
        """Gives the text of a message; a first one says how to get out."""
        text = self._filled(random, getattr(self.tongue, kind))
        return f"{text} {self.tongue.opt_out}" if first else text

    def html(self, random: Random, kind: str) -> str:
        """Gives the same as a mail has it."""
        text = self._filled(random, getattr(self.tongue, kind))
        style = "p{margin:0 0 1em} .btn{color:#fff}"
        return (
            f"<html><head><style>{style}</style></head><body><p>{text}</p>"
            "<p>{{user.signature}}</p><p>{{custom_values.company_address}}</p>"
            '<a href="{{unsubscribe_link}}">unsubscribe</a></body></html>'
        )

    def subject(self, random: Random) -> str:
        """Gives the subject of a mail."""
        return self._filled(random, random.choice(self.tongue.subjects))

    def title(self, random: Random, purpose: str) -> str:
        """Gives the name of a workflow."""
        return f"{random.choice(PREFIXES)}{self.who}: {purpose}"

    def _filled(self, random: Random, text: str) -> str:
        return text.replace("{who}", self.who).replace("{link}", random.choice(LINKS))


def a_voice(random: Random) -> Voice:
    """Gives some business."""
    return Voice(random.choice(TONGUES), random.choice(TRADES))
