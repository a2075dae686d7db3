"""Settings at three levels: of the installation, of a location, of a workflow."""

from alembic import op

revision = "0006"
down_revision = "0005"

# What equals the value that is built in follows the level above from now on; until
# somebody sets one there, nothing changes by that.
SETTINGS = """
ALTER TABLE alert_settings
    ADD COLUMN workflow_id text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN chosen jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN effective_at timestamptz;
UPDATE alert_settings SET
    effective_at = updated_at,
    chosen = jsonb_strip_nulls(jsonb_build_object(
        'enabled', nullif(enabled, true),
        'failure_threshold', nullif(failure_threshold, 3),
        'time_window_hours', nullif(time_window_hours, 24),
        'alert_on_critical', nullif(alert_on_critical, true),
        'alert_email', alert_email,
        'webhook_url', webhook_url));
ALTER TABLE alert_settings
    DROP CONSTRAINT alert_settings_pkey,
    DROP COLUMN id,
    DROP COLUMN enabled,
    DROP COLUMN failure_threshold,
    DROP COLUMN time_window_hours,
    DROP COLUMN alert_on_critical,
    DROP COLUMN alert_email,
    DROP COLUMN webhook_url,
    DROP CONSTRAINT alert_settings_location_id_key,
    ALTER COLUMN workflow_id DROP DEFAULT,
    ALTER COLUMN effective_at SET NOT NULL,
    ADD CONSTRAINT alert_settings_pkey PRIMARY KEY (location_id, workflow_id);
DROP INDEX alert_settings_updated_at_idx;
CREATE INDEX alert_settings_effective_at_idx
    ON alert_settings (effective_at, location_id, workflow_id);
"""

TARGETS = """
ALTER TABLE targets ADD COLUMN workflow_id text COLLATE "C" NOT NULL DEFAULT '';
DROP INDEX targets_settings_idx;
CREATE UNIQUE INDEX targets_settings_idx ON targets (location_id, workflow_id, channel)
    WHERE origin = 'settings' AND removed_at IS NULL;
"""


def upgrade() -> None:
    op.execute(SETTINGS)
    op.execute(TARGETS)
