-- What one person did with one item, in one interaction, on one day: what rates, funnels and failures are computed from.
--
-- It is filled as events are stored (item_activity_feed), and is exact whatever comes doubled, late or out of order, since each column merges to the
-- same value however often and in whatever order rows come: first times are minima, the rest maxima. So rows of one key may be several until they are
-- merged: group by it, as the views do. An event that a re-enrichment replaced, or that was deleted by hand, stays in here until
-- waymarkctl model rebuild; erasures take it out themselves.
--
-- An interaction that goes on after midnight has a row for each day. Events without an interaction (a task's completion) share the row of their
-- person, item and day, with an empty interaction_id. Pages, sessions and custom events have no items and are not here.
CREATE TABLE IF NOT EXISTS item_activity{{on_cluster}}
(
    account_id       LowCardinality(String) COMMENT 'The customer',
    item_type        LowCardinality(String) COMMENT 'The kind of item',
    item_id          String                 COMMENT 'The item' CODEC(ZSTD(1)),
    day              Date                   COMMENT 'Day of the events'' corrected time, UTC',
    interaction_id   String                 COMMENT 'One play of the item; empty where events name none' CODEC(ZSTD(1)),
    visitor_id       String                 COMMENT 'The anonymous visitor' CODEC(ZSTD(1)),
    user_id          String                 COMMENT 'The end user; may be personal' CODEC(ZSTD(1)),
    company_id       LowCardinality(String) COMMENT 'The end user''s company',
    environment      LowCardinality(String) COMMENT 'Where the page runs, in the account''s words',
    preview          Bool                   COMMENT 'An author''s test play',
    is_bot           Bool                   COMMENT 'A crawler''s or a tool''s',

    item_name        SimpleAggregateFunction(max, String)                             COMMENT 'The item''s name; of several, the last by alphabet',
    first_time       SimpleAggregateFunction(min, DateTime64(3, 'UTC'))               COMMENT 'First event',
    last_time        SimpleAggregateFunction(max, DateTime64(3, 'UTC'))               COMMENT 'Last event',
    exposed          SimpleAggregateFunction(max, UInt8)                              COMMENT 'The item was seen: play, show, step, open',
    interacted       SimpleAggregateFunction(max, UInt8)                              COMMENT 'The person acted on it: click, action, interact, validation_pass, validation_fail, submit, milestone, goal, complete, search, lesson_start, lesson_complete, quiz_start, quiz_submit; opened a course or resource. A walk-thru''s second step counts, too: length(steps)',
    clicked          SimpleAggregateFunction(max, UInt8)                              COMMENT 'click or action',
    started_at       SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC')))     COMMENT 'First play; NULL when there is none, as in all that follow',
    failed_at        SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC')))     COMMENT 'First play_failed',
    milestone_at     SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC')))     COMMENT 'First milestone',
    goal_at          SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC')))     COMMENT 'First main goal',
    completed_at     SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC')))     COMMENT 'First complete',
    stopped_at       SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC')))     COMMENT 'First stop',
    dismissed_at     SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC')))     COMMENT 'First close, snooze or dismiss',
    submitted_at     SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC')))     COMMENT 'First submit of a survey',
    steps            SimpleAggregateFunction(minMap, Map(Int32, DateTime64(3, 'UTC'))) COMMENT 'When each step was first shown, by its zero-based place; -1 for steps without one',
    step_names       SimpleAggregateFunction(maxMap, Map(Int32, String))              COMMENT 'Their names',
    step_count       SimpleAggregateFunction(max, UInt32)                             COMMENT 'How many steps the walk-thru has; 0 when not known',
    iteration        SimpleAggregateFunction(max, UInt32)                             COMMENT 'Which time this visitor plays the item; 0 when not known',
    trigger          SimpleAggregateFunction(max, String)                             COMMENT 'What started the play',
    dismiss_reason   SimpleAggregateFunction(max, String)                             COMMENT 'How the visitor got rid of the item',
    failure_reason   SimpleAggregateFunction(max, String)                             COMMENT 'Why the play failed',
    country_code     SimpleAggregateFunction(max, String)                             COMMENT 'ISO 3166-1 alpha-2; empty when not known',
    browser          SimpleAggregateFunction(max, String)                             COMMENT 'Browser family',
    os               SimpleAggregateFunction(max, String)                             COMMENT 'Operating system',
    device_type      SimpleAggregateFunction(max, String)                             COMMENT 'desktop, mobile, tablet, tv, …',
    language         SimpleAggregateFunction(max, String)                             COMMENT 'BCP 47',
    expires          SimpleAggregateFunction(max, DateTime('UTC'))                    COMMENT 'When the last of its events is deleted by the account''s retention'
)
ENGINE = {{engine "AggregatingMergeTree"}}
PARTITION BY toYYYYMM(day)
ORDER BY (account_id, item_type, item_id, day, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot)
TTL expires
SETTINGS
    {{deduplication_window 10000}}
COMMENT 'What one person did with one item, in one interaction, on one day; rows of one key may be several: the views group them';
