# One image; the command picks the program.
FROM python:3.11-slim
WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY libs libs
COPY services services
COPY gateway gateway
RUN pip install --no-cache-dir -c constraints.txt -e . \
    && useradd --system runwarden && mkdir /data && chown runwarden /data
USER runwarden
VOLUME /data
CMD ["python", "-m", "gateway"]
