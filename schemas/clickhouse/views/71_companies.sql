-- One row a company, for tools that take no parameters: of production's events, without previews and bots. What it did in a span: company_engagement.
CREATE OR REPLACE VIEW companies{{on_cluster}} AS
SELECT
    account_id,
    company_id,
    uniqExact(cityHash64(if(user_id = '', visitor_id, user_id))) AS users,
    uniqExact(cityHash64(visitor_id)) AS visitors,
    min(a.first_seen) AS first_seen,
    max(a.last_seen) AS last_seen
FROM end_user_activity AS a
WHERE environment IN ('production', '') AND NOT preview AND NOT is_bot AND company_id != ''
GROUP BY account_id, company_id
COMMENT 'One row a company, of production without previews and bots: users, visitors, first and last seen {{mark}}'
