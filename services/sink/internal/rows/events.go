package rows

import (
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
)

// Events holds rows of the table events, which share nothing with the records they came from.
type Events struct {
	layout layout
	n      int
	e      event.Enriched

	eventID                                                           []uuid.UUID
	account, region, event, itemType, itemName                        clickhouse.Words
	itemID, interaction, stepID                                       clickhouse.Texts
	stepName, trigger, dismissReason, failureReason                   clickhouse.Words
	itemLanguage, environment, company                                clickhouse.Words
	stepIndex                                                         []int32
	stepCount, iteration                                              []uint32
	preview, isBot                                                    []bool
	time, clientTime, receivedAt, enrichedAt                          []int64
	timeFlag                                                          []int8
	visitor, user, session, url, urlPath, title, referrer, ipMasked   clickhouse.Texts
	urlHost, referrerHost, trafficSource                              clickhouse.Words
	utmSource, utmMedium, utmCampaign, utmTerm, utmContent            clickhouse.Words
	browser, browserVersion, os, osVersion                            clickhouse.Words
	deviceType, deviceBrand, deviceModel, botName, language, timezone clickhouse.Words
	screenWidth, screenHeight, asn, epoch                             []uint32
	countryCode, country, subdivision, city, asName                   clickhouse.Words
	latitude, longitude                                               clickhouse.Floats
	props, propsText, detail, detailText                              clickhouse.Texts
	library, libraryVersion                                           clickhouse.Words
	flags                                                             clickhouse.Lists
	rawTopicID                                                        []uuid.UUID
	rawPartition, rawLeaderEpoch                                      []int32
	rawOffset                                                         []int64
	expires                                                           clickhouse.Seconds
}

// NewEvents returns an empty set of rows.
func NewEvents() *Events {
	r := new(Events)
	r.layout = layout{
		column("event_id", &r.eventID), kept("account_id", &r.account), kept("region", &r.region),
		kept("event", &r.event), kept("item_type", &r.itemType), kept("item_id", &r.itemID), kept("item_name", &r.itemName),
		kept("interaction_id", &r.interaction), kept("step_id", &r.stepID), column("step_index", &r.stepIndex), kept("step_name", &r.stepName),
		column("step_count", &r.stepCount), column("iteration", &r.iteration), kept("trigger", &r.trigger),
		kept("dismiss_reason", &r.dismissReason), kept("failure_reason", &r.failureReason), kept("item_language", &r.itemLanguage),
		column("preview", &r.preview), kept("environment", &r.environment),
		column("time", &r.time), column("client_time", &r.clientTime), column("received_at", &r.receivedAt), column("enriched_at", &r.enrichedAt),
		column("time_flag", &r.timeFlag),
		kept("visitor_id", &r.visitor), kept("user_id", &r.user), kept("company_id", &r.company), kept("session_id", &r.session),
		kept("url", &r.url), kept("url_host", &r.urlHost), kept("url_path", &r.urlPath), kept("page_title", &r.title), kept("referrer", &r.referrer),
		kept("referrer_host", &r.referrerHost), kept("traffic_source", &r.trafficSource), kept("utm_source", &r.utmSource), kept("utm_medium", &r.utmMedium),
		kept("utm_campaign", &r.utmCampaign), kept("utm_term", &r.utmTerm), kept("utm_content", &r.utmContent),
		kept("browser", &r.browser), kept("browser_version", &r.browserVersion), kept("os", &r.os), kept("os_version", &r.osVersion),
		kept("device_type", &r.deviceType), kept("device_brand", &r.deviceBrand), kept("device_model", &r.deviceModel),
		column("is_bot", &r.isBot), kept("bot_name", &r.botName),
		column("screen_width", &r.screenWidth), column("screen_height", &r.screenHeight), kept("language", &r.language), kept("timezone", &r.timezone),
		kept("ip_masked", &r.ipMasked), kept("country_code", &r.countryCode), kept("country", &r.country),
		kept("subdivision", &r.subdivision), kept("city", &r.city), kept("latitude", &r.latitude), kept("longitude", &r.longitude),
		column("asn", &r.asn), kept("as_name", &r.asName),
		kept("props", &r.props), kept("props_text", &r.propsText), kept("detail", &r.detail), kept("detail_text", &r.detailText),
		kept("library", &r.library), kept("library_version", &r.libraryVersion),
		kept("flags", &r.flags),
		column("raw_topic_id", &r.rawTopicID), column("raw_partition", &r.rawPartition), column("raw_leader_epoch", &r.rawLeaderEpoch),
		column("raw_offset", &r.rawOffset), column("epoch", &r.epoch), column("expires", &r.expires),
	}
	return r
}

// EventColumns are the columns of the table events that the sink fills, without values.
func EventColumns() []clickhouse.Column { return NewEvents().Columns(0, 0) }

// Insert is the statement that the columns belong to.
func (r *Events) Insert() string { return r.layout.insert("events") }

// Columns returns rows [from, to).
func (r *Events) Columns(from, to int) []clickhouse.Column { return r.layout.columns(from, to) }

// Choose returns some rows, which are valid as long as r is not changed, as those of Columns are.
func (r *Events) Choose(which []int) []clickhouse.Column { return r.layout.choose(which) }

// Size is the memory that the rows take, in bytes.
func (r *Events) Size() int { return r.layout.size() }

// Len counts the rows.
func (r *Events) Len() int { return r.n }

// Reset empties the rows.
func (r *Events) Reset() {
	r.layout.reset()
	r.n = 0
	r.e.Reset()
}

// Table names the table.
func (r *Events) Table() string { return "events" }

// Keep leaves the rows that which names.
func (r *Events) Keep(which []bool) { r.n = r.layout.keep(which) }

// Position is where row i came from.
func (r *Events) Position(i int) Position {
	return Position{TopicID: r.rawTopicID[i], Partition: r.rawPartition[i], LeaderEpoch: r.rawLeaderEpoch[i], Offset: r.rawOffset[i], Epoch: r.epoch[i]}
}

// Origin is the raw record of row i, in the order of its log.
func (r *Events) Origin(i int) checkpoint.Source {
	return checkpoint.Source{Topic: r.rawTopicID[i], Epoch: r.epoch[i], LeaderEpoch: r.rawLeaderEpoch[i], Offset: r.rawOffset[i]}
}

// IDs returns the event ids of some rows.
func (r *Events) IDs(which []int) []uuid.UUID {
	out := make([]uuid.UUID, len(which))
	for i, row := range which {
		out[i] = r.eventID[row]
	}
	return out
}

// ReceivedAt is when the edge accepted row i, in Unix milliseconds.
func (r *Events) ReceivedAt(i int) int64 { return r.receivedAt[i] }

// Account is row i's customer.
func (r *Events) Account(i int) string { return r.account.At(i) }

// Anonymise does to row i what privacy.Anonymise does to an event.
func (r *Events) Anonymise(i int) {
	r.visitor.Set(i, r.eventID[i].String())
	for _, column := range []*clickhouse.Texts{&r.user, &r.session, &r.interaction, &r.url, &r.urlPath, &r.title, &r.referrer, &r.ipMasked, &r.propsText, &r.detailText} {
		column.Set(i, "")
	}
	for _, column := range []*clickhouse.Words{
		&r.company, &r.urlHost, &r.referrerHost, &r.utmSource, &r.utmMedium, &r.utmCampaign, &r.utmTerm, &r.utmContent, &r.subdivision, &r.city, &r.asName,
	} {
		column.Set(i, "")
	}
	r.latitude.SetNull(i)
	r.longitude.SetNull(i)
	r.asn[i] = 0
	r.flags.Empty(i)
	r.props.Set(i, clickhouse.Object(nil))
	r.detail.Set(i, clickhouse.Object(nil))
}

// Values are the columns that hold the account's own JSON as ClickHouse parses it: all that a row can be refused for its values of.
func (r *Events) Values() []clickhouse.Column {
	return []clickhouse.Column{{Name: "props", Values: &r.props}, {Name: "detail", Values: &r.detail}}
}

// Source is the same as Position.
func (r *Events) Source(i int) Position { return r.Position(i) }

// Month is the table partition of row i.
func (r *Events) Month(i int) int { return month(r.time[i]) }

// SortingKey is equal for rows that the table takes for one event: of those in one insert it stores the last.
func (r *Events) SortingKey(i int) any {
	const day = 24 * 60 * 60 * 1000
	return sortingKey{r.account.At(i), r.itemType.At(i), r.itemID.At(i), (r.clientTime[i] - earliest) / day, r.eventID[i], r.Month(i)}
}

// Span bounds all rows.
func (r *Events) Span() (s Span) {
	for i := range r.n {
		s.widen(i == 0, r.rawPartition[i], r.rawOffset[i], r.time[i])
		if !slices.Contains(s.TopicIDs, r.rawTopicID[i]) {
			s.TopicIDs = append(s.TopicIDs, r.rawTopicID[i])
		}
	}
	return s
}

// limits of a time on its way into a DateTime64(3), in Unix milliseconds: 1900-01-01, where the type begins, and 2262-04-11 23:47:16.854.
// The type goes on to 2299, but clickhouse-go makes nanoseconds of every time, which an int64 counts no further: a later one would be
// stored as one of the 18th century.
const (
	earliest = -2208988800000
	latest   = math.MaxInt64 / 1_000_000
)

func clamp(millis int64) int64 { return min(max(millis, earliest), latest) }

// Add appends a row for rec unless marks say that it is a repetition. It returns marks with the row's source as its log's mark. The error
// is a *event.Rejection.
func (r *Events) Add(rec *event.Record, _ uuid.UUID, marks checkpoint.Marks) (checkpoint.Marks, error) {
	e := &r.e
	e.Reset()
	if err := e.UnmarshalVTUnsafe(rec.Value); err != nil {
		return marks, event.Reject(event.ReasonBadEnriched, fmt.Errorf("not an enriched event: %w", err))
	}
	id, err := uuid.FromBytes(e.EventId)
	if err != nil {
		return marks, event.Reject(event.ReasonBadEnriched, fmt.Errorf("event_id has %d bytes, want 16", len(e.EventId)))
	}
	if flag := e.TimeFlag; flag < event.TimeFlag_TIME_AS_SENT || flag > event.TimeFlag_TIME_CLAMPED_PAST {
		return marks, event.Reject(event.ReasonBadEnriched, fmt.Errorf("time_flag %d is not known", flag))
	}
	topic, err := uuid.FromBytes(e.RawTopicId)
	if err != nil || topic == uuid.Nil {
		return marks, event.Reject(event.ReasonBadEnriched, fmt.Errorf("raw_topic_id has %d bytes, want 16", len(e.RawTopicId)))
	}
	if e.RawPartition != rec.Partition {
		return marks, event.Reject(event.ReasonBadEnriched, fmt.Errorf("it comes from raw partition %d, and lies on partition %d", e.RawPartition, rec.Partition))
	}
	source := checkpoint.Source{Topic: topic, Epoch: e.Epoch, LeaderEpoch: e.RawLeaderEpoch, Offset: e.RawOffset}
	if !marks.Pass(source) {
		return marks, nil
	}

	r.fill(id, topic)
	return marks.Raise(source), nil
}
