-- One row an end user, for tools that take no parameters: whom production's events name, without previews and bots.
--
-- A filter by account_id and user_id reaches the key. Sessions and times of one user: end_user_profile. Somebody of whom no user is known is the visitor;
-- what was anonymised is nobody's and not here.
CREATE OR REPLACE VIEW end_users{{on_cluster}} AS
SELECT
    account_id,
    user_id,
    visitors,
    companies,
    first_seen,
    last_seen,
    latest.country_code AS country_code,
    latest.country AS country,
    latest.subdivision AS subdivision,
    latest.city AS city,
    latest.browser AS browser,
    latest.browser_version AS browser_version,
    latest.os AS os,
    latest.device_type AS device_type,
    latest.language AS language,
    latest.timezone AS timezone,
    attributes
FROM
(
    SELECT
        account_id,
        user_id,
        uniqExact(visitor_id) AS visitors,
        arraySort(groupUniqArrayIf(toString(company_id), company_id != '')) AS companies,
        min(a.first_seen) AS first_seen,
        max(a.last_seen) AS last_seen,
        max(a.latest) AS latest,
        mapApply((name, value) -> (name, value.2), maxMap(a.attributes)) AS attributes
    FROM end_user_activity AS a
    WHERE environment IN ('production', '') AND NOT preview AND NOT is_bot AND user_id != ''
    GROUP BY account_id, user_id
)
COMMENT 'One row an end user, of production without previews and bots: first and last seen, visitors, companies, latest surroundings, attributes with their values as JSON {{mark}}'
