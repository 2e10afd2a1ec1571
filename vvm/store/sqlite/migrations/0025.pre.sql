-- Lists with filters, each of which has its index; and who did what the audit tells.

CREATE INDEX subscriber_by_status ON subscriber (status, msisdn);
CREATE INDEX subscriber_by_language ON subscriber (language, msisdn);
CREATE INDEX subscriber_by_client_type ON subscriber (json_extract(client, '$.client_type'), msisdn);
CREATE INDEX subscriber_without_cos ON subscriber (msisdn) WHERE cos IS NULL;
CREATE INDEX subscriber_by_change ON subscriber (changed_at, msisdn);

ALTER TABLE audit ADD COLUMN actor TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_actor ON audit (actor, at);
CREATE INDEX audit_by_trigger ON audit (trigger, at);
