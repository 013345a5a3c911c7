-- What pkg/privacy's Anonymise does to an event. No column of it is in the table's key, so that each row stays the row that it was.
ALTER TABLE events
UPDATE
    visitor_id = toString(event_id), user_id = '', company_id = '', session_id = '', interaction_id = '',
    url = '', url_host = '', url_path = '', page_title = '', referrer = '', referrer_host = '',
    utm_source = '', utm_medium = '', utm_campaign = '', utm_term = '', utm_content = '',
    ip_masked = '', subdivision = '', city = '', latitude = NULL, longitude = NULL, asn = 0, as_name = '',
    props = '{}', props_text = '', detail = '{}', detail_text = '', flags = []
WHERE ({person}) AND visitor_id != toString(event_id)
SETTINGS mutations_sync = 0
