-- The events that belong in a rate: of production, no author's test play, no crawler's or tool's.
--
-- FINAL merges what is read as if all of it were merged already: a client's repetition beyond the enricher's window and a batch that a re-enrichment
-- replaces count once, over months too. Doubles whose clients gave another day, item or account under the same id have another key and remain;
-- uniqExact(event_id) tells. It costs reading the key's columns besides those asked for. Filters by account_id and time reach the key and the
-- index through FINAL; LIMIT 1 BY event_id would find all doubles and read the whole table each time.
--
-- An environment is in the account's words; the enricher calls one that the client does not name production.
CREATE OR REPLACE VIEW events_live{{on_cluster}} AS
SELECT *
FROM events FINAL
WHERE environment IN ('production', '')
    AND NOT preview
    AND NOT is_bot
COMMENT 'Events of production without previews and bots, each once: of rows of one account, item, day and event id only the latest; the same id on two days or items remains twice {{mark}}'
