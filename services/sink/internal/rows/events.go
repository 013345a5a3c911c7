package rows

import (
	"fmt"
	"math"
	"slices"
	"time"
	"unsafe"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
)

// Events holds rows of the table events. Strings alias the records they came from, which must outlive the rows.
type Events struct {
	layout layout
	n      int
	e      event.Enriched

	eventID                                                           []uuid.UUID
	account, region, event, itemType, itemID, itemName, interaction   []string
	stepID, stepName                                                  []string
	stepIndex                                                         []int32
	stepCount, iteration                                              []uint32
	trigger, dismissReason, failureReason, itemLanguage, environment  []string
	preview                                                           []bool
	company, referrerHost, trafficSource                              []string
	utmSource, utmMedium, utmCampaign, utmTerm, utmContent            []string
	time, clientTime, receivedAt, enrichedAt                          []int64
	timeFlag                                                          []int8
	visitor, user, session                                            []string
	url, urlHost, urlPath, title, referrer                            []string
	browser, browserVersion, os, osVersion                            []string
	deviceType, deviceBrand, deviceModel, botName, language, timezone []string
	isBot                                                             []bool
	screenWidth, screenHeight, asn, epoch                             []uint32
	ipMasked, countryCode, country, subdivision, city, asName         []string
	latitude, longitude                                               []*float32
	props, propsText, detail, detailText                              []string
	library, libraryVersion                                           []string
	flags                                                             [][]string
	rawTopicID                                                        []uuid.UUID
	rawPartition, rawLeaderEpoch                                      []int32
	rawOffset                                                         []int64
	expires                                                           []time.Time
}

// NewEvents returns an empty set of rows.
func NewEvents() *Events {
	r := new(Events)
	r.layout = layout{
		column("event_id", &r.eventID), column("account_id", &r.account), column("region", &r.region),
		column("event", &r.event), column("item_type", &r.itemType), column("item_id", &r.itemID), column("item_name", &r.itemName),
		column("interaction_id", &r.interaction), column("step_id", &r.stepID), column("step_index", &r.stepIndex), column("step_name", &r.stepName),
		column("step_count", &r.stepCount), column("iteration", &r.iteration), column("trigger", &r.trigger),
		column("dismiss_reason", &r.dismissReason), column("failure_reason", &r.failureReason), column("item_language", &r.itemLanguage),
		column("preview", &r.preview), column("environment", &r.environment),
		column("time", &r.time), column("client_time", &r.clientTime), column("received_at", &r.receivedAt), column("enriched_at", &r.enrichedAt),
		column("time_flag", &r.timeFlag),
		column("visitor_id", &r.visitor), column("user_id", &r.user), column("company_id", &r.company), column("session_id", &r.session),
		column("url", &r.url), column("url_host", &r.urlHost), column("url_path", &r.urlPath), column("page_title", &r.title), column("referrer", &r.referrer),
		column("referrer_host", &r.referrerHost), column("traffic_source", &r.trafficSource), column("utm_source", &r.utmSource), column("utm_medium", &r.utmMedium),
		column("utm_campaign", &r.utmCampaign), column("utm_term", &r.utmTerm), column("utm_content", &r.utmContent),
		column("browser", &r.browser), column("browser_version", &r.browserVersion), column("os", &r.os), column("os_version", &r.osVersion),
		column("device_type", &r.deviceType), column("device_brand", &r.deviceBrand), column("device_model", &r.deviceModel),
		column("is_bot", &r.isBot), column("bot_name", &r.botName),
		column("screen_width", &r.screenWidth), column("screen_height", &r.screenHeight), column("language", &r.language), column("timezone", &r.timezone),
		column("ip_masked", &r.ipMasked), column("country_code", &r.countryCode), column("country", &r.country),
		column("subdivision", &r.subdivision), column("city", &r.city), column("latitude", &r.latitude), column("longitude", &r.longitude),
		column("asn", &r.asn), column("as_name", &r.asName),
		column("props", &r.props), column("props_text", &r.propsText), column("detail", &r.detail), column("detail_text", &r.detailText),
		column("library", &r.library), column("library_version", &r.libraryVersion),
		column("flags", &r.flags),
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

// Choose returns a copy of some rows.
func (r *Events) Choose(which []int) []clickhouse.Column { return r.layout.choose(which) }

// Len counts the rows.
func (r *Events) Len() int { return r.n }

// Reset empties the rows and lets go of what they alias.
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
func (r *Events) Account(i int) string { return r.account[i] }

// Anonymise does to row i what privacy.Anonymise does to an event.
func (r *Events) Anonymise(i int) {
	r.visitor[i] = r.eventID[i].String()
	for _, column := range []*[]string{
		&r.user, &r.company, &r.session, &r.interaction, &r.url, &r.urlHost, &r.urlPath, &r.title, &r.referrer, &r.referrerHost,
		&r.utmSource, &r.utmMedium, &r.utmCampaign, &r.utmTerm, &r.utmContent, &r.ipMasked, &r.subdivision, &r.city, &r.asName, &r.propsText, &r.detailText,
	} {
		(*column)[i] = ""
	}
	r.latitude[i], r.longitude[i], r.asn[i], r.flags[i] = nil, nil, 0, nil
	r.props[i], r.detail[i] = clickhouse.Object(nil), clickhouse.Object(nil)
}

// Values are the columns that hold the account's own JSON as ClickHouse parses it: all that a row can be refused for its values of.
func (r *Events) Values() []clickhouse.Column {
	return []clickhouse.Column{{Name: "props", Values: r.props}, {Name: "detail", Values: r.detail}}
}

// Source is the same as Position.
func (r *Events) Source(i int) Position { return r.Position(i) }

// Month is the table partition of row i.
func (r *Events) Month(i int) int { return month(r.time[i]) }

// SortingKey is equal for rows that the table takes for one event: of those in one insert it stores the last.
func (r *Events) SortingKey(i int) any {
	const day = 24 * 60 * 60 * 1000
	return sortingKey{r.account[i], r.itemType[i], r.itemID[i], (r.clientTime[i] - earliest) / day, r.eventID[i], r.Month(i)}
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

	r.n++
	r.eventID = append(r.eventID, id)
	r.account, r.region = append(r.account, e.AccountId), append(r.region, e.Region)
	r.event, r.itemType = append(r.event, e.Event), append(r.itemType, e.ItemType)
	r.itemID, r.itemName = append(r.itemID, e.ItemId), append(r.itemName, e.ItemName)
	r.interaction = append(r.interaction, e.InteractionId)
	r.stepID, r.stepIndex, r.stepName = append(r.stepID, e.StepId), append(r.stepIndex, e.StepIndex), append(r.stepName, e.StepName)
	r.stepCount, r.iteration = append(r.stepCount, e.StepCount), append(r.iteration, e.Iteration)
	r.trigger, r.dismissReason = append(r.trigger, e.Trigger), append(r.dismissReason, e.DismissReason)
	r.failureReason, r.itemLanguage = append(r.failureReason, e.FailureReason), append(r.itemLanguage, e.ItemLanguage)
	r.preview, r.environment = append(r.preview, e.Preview), append(r.environment, e.Environment)
	r.time, r.clientTime = append(r.time, clamp(e.Time)), append(r.clientTime, clamp(e.ClientTime))
	r.receivedAt, r.enrichedAt = append(r.receivedAt, clamp(e.ReceivedAt)), append(r.enrichedAt, clamp(e.EnrichedAt))
	r.timeFlag = append(r.timeFlag, int8(e.TimeFlag))
	r.visitor, r.user = append(r.visitor, e.VisitorId), append(r.user, e.UserId)
	r.company, r.session = append(r.company, e.CompanyId), append(r.session, e.SessionId)
	r.url, r.urlHost, r.urlPath = append(r.url, e.Url), append(r.urlHost, e.UrlHost), append(r.urlPath, e.UrlPath)
	r.title, r.referrer = append(r.title, e.PageTitle), append(r.referrer, e.Referrer)
	r.referrerHost, r.trafficSource = append(r.referrerHost, e.ReferrerHost), append(r.trafficSource, e.TrafficSource)
	r.utmSource, r.utmMedium, r.utmCampaign = append(r.utmSource, e.UtmSource), append(r.utmMedium, e.UtmMedium), append(r.utmCampaign, e.UtmCampaign)
	r.utmTerm, r.utmContent = append(r.utmTerm, e.UtmTerm), append(r.utmContent, e.UtmContent)
	r.browser, r.browserVersion = append(r.browser, e.Browser), append(r.browserVersion, e.BrowserVersion)
	r.os, r.osVersion = append(r.os, e.Os), append(r.osVersion, e.OsVersion)
	r.deviceType, r.deviceBrand, r.deviceModel = append(r.deviceType, e.DeviceType), append(r.deviceBrand, e.DeviceBrand), append(r.deviceModel, e.DeviceModel)
	r.isBot, r.botName = append(r.isBot, e.IsBot), append(r.botName, e.BotName)
	r.screenWidth, r.screenHeight = append(r.screenWidth, e.ScreenWidth), append(r.screenHeight, e.ScreenHeight)
	r.language, r.timezone = append(r.language, e.Language), append(r.timezone, e.Timezone)
	r.ipMasked, r.countryCode, r.country = append(r.ipMasked, e.IpMasked), append(r.countryCode, e.CountryCode), append(r.country, e.Country)
	r.subdivision, r.city = append(r.subdivision, e.Subdivision), append(r.city, e.City)
	r.latitude, r.longitude = append(r.latitude, degrees(e.Latitude)), append(r.longitude, degrees(e.Longitude))
	r.asn, r.asName = append(r.asn, e.Asn), append(r.asName, e.AsName)
	r.props, r.propsText = append(r.props, clickhouse.Object(e.Props)), append(r.propsText, text(e.Props))
	r.detail, r.detailText = append(r.detail, clickhouse.Object(e.Detail)), append(r.detailText, text(e.Detail))
	r.library, r.libraryVersion = append(r.library, e.Library), append(r.libraryVersion, e.LibraryVersion)
	r.flags = append(r.flags, e.Flags)
	r.rawTopicID, r.rawPartition = append(r.rawTopicID, topic), append(r.rawPartition, e.RawPartition)
	r.rawLeaderEpoch, r.rawOffset = append(r.rawLeaderEpoch, e.RawLeaderEpoch), append(r.rawOffset, e.RawOffset)
	r.epoch, r.expires = append(r.epoch, e.Epoch), append(r.expires, expiry(e.Expires))
	return marks.Raise(source), nil
}

// never is the expiry of what is kept for ever: the last second of a DateTime.
const never = math.MaxUint32

// expiry is when a row expires, as a DateTime holds it; of 0 milliseconds it is never.
func expiry(millis int64) time.Time {
	if millis == 0 {
		return time.Unix(never, 0)
	}
	return time.Unix(min(max(millis/1000, 0), never), 0)
}

// text is b as a string that aliases it.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func degrees(d *float64) *float32 {
	if d == nil {
		return nil
	}
	f := float32(*d)
	return &f
}
