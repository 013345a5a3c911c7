-- Whose events count: live is production's, without previews and bots, and the default of every rate; country:DE, browser:…, os:…, device:…, language:…
-- and company:… are a part of it; environment:test is another environment's, likewise without previews and bots; all is everything.
(SELECT throwIf(NOT match({audience:String}, '^(live|all|(environment|country|browser|os|device|language|company):.+)$'),
        'audience: want live, all, or environment:, country:, browser:, os:, device:, language: or company: with a value, such as country:DE')) = 0
    AND (
        {audience:String} = 'all'
        OR (
            NOT preview AND NOT is_bot
            AND if(startsWith({audience:String}, 'environment:'), concat('environment:', environment) = {audience:String}, environment IN ('production', ''))
            AND (
                {audience:String} = 'live' OR startsWith({audience:String}, 'environment:')
                OR {audience:String} IN (concat('country:', country_code), concat('browser:', browser), concat('os:', os), concat('device:', device_type), concat('language:', language), concat('company:', company_id))
            )
        )
    )
