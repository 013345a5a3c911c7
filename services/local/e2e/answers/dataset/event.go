package dataset

import (
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// An Event is one row of the table events, with the columns that questions ask for. The tag is the column's name.
type Event struct {
	ID            uuid.UUID `ch:"event_id"`
	Account       string    `ch:"account_id"`
	Region        string    `ch:"region"`
	Name          string    `ch:"event"` // play, step, complete, …
	ItemType      string    `ch:"item_type"`
	ItemID        string    `ch:"item_id"`
	ItemName      string    `ch:"item_name"`
	Interaction   string    `ch:"interaction_id"`
	StepIndex     int32     `ch:"step_index"` // -1: none
	StepName      string    `ch:"step_name"`
	StepCount     uint32    `ch:"step_count"`
	Iteration     uint32    `ch:"iteration"`
	Trigger       string    `ch:"trigger"`
	DismissReason string    `ch:"dismiss_reason"`
	FailureReason string    `ch:"failure_reason"`
	Preview       bool      `ch:"preview"`
	Environment   string    `ch:"environment"`

	Time       time.Time `ch:"time"` // UTC, whole milliseconds, as all times here
	ClientTime time.Time `ch:"client_time"`
	ReceivedAt time.Time `ch:"received_at"`
	EnrichedAt time.Time `ch:"enriched_at"`
	InsertedAt time.Time `ch:"inserted_at"`
	TimeFlag   int8      `ch:"time_flag"` // AsSent, …

	Visitor string `ch:"visitor_id"`
	User    string `ch:"user_id"`
	Company string `ch:"company_id"`
	Session string `ch:"session_id"`

	URL           string `ch:"url"`
	URLPath       string `ch:"url_path"`
	PageTitle     string `ch:"page_title"`
	ReferrerHost  string `ch:"referrer_host"`
	TrafficSource string `ch:"traffic_source"`
	UTMSource     string `ch:"utm_source"`
	UTMMedium     string `ch:"utm_medium"`
	UTMCampaign   string `ch:"utm_campaign"`

	Browser        string `ch:"browser"`
	BrowserVersion string `ch:"browser_version"`
	OS             string `ch:"os"`
	OSVersion      string `ch:"os_version"`
	Device         string `ch:"device_type"`
	Language       string `ch:"language"`
	Timezone       string `ch:"timezone"`
	IsBot          bool   `ch:"is_bot"`
	CountryCode    string `ch:"country_code"`
	Country        string `ch:"country"`
	Subdivision    string `ch:"subdivision"`
	City           string `ch:"city"`

	Props  string `ch:"props_text"`  // JSON; empty: none. The column props is made of it
	Detail string `ch:"detail_text"` // JSON; empty: none. The column detail is made of it

	Flags   []string  `ch:"flags"`
	Epoch   uint32    `ch:"epoch"`
	Expires time.Time `ch:"expires"`
}

// Values of Event.TimeFlag.
const (
	AsSent int8 = iota
	Corrected
	ClampedFuture
	ClampedPast
)

// Person is the user that the event counts for: after anonymisation there is none, and each event is a visitor of its own.
func (e *Event) Person() string {
	if e.User == "" {
		return e.Visitor
	}
	return e.User
}

// Day is the day of the event's corrected time, UTC.
func (e *Event) Day() time.Time { return e.Time.Truncate(24 * time.Hour) }

// A Dead is one row of the table dead_events.
type Dead struct {
	FailedAt   time.Time `ch:"failed_at"`
	Region     string    `ch:"region"`
	Account    string    `ch:"account_id"`
	Stage      string    `ch:"stage"`
	Reason     string    `ch:"reason"`
	ID         uuid.UUID `ch:"event_id"`
	ReceivedAt time.Time `ch:"received_at"`
	Topic      string    `ch:"topic"`
	TopicID    uuid.UUID `ch:"topic_id"`
	Partition  int32     `ch:"partition"`
	Offset     int64     `ch:"offset"`
	InsertedAt time.Time `ch:"inserted_at"`
}

// Columns are rows as columns of their table, as clickhouse.Conn.Insert takes them. T is Event or Dead.
func Columns[T Event | Dead](rows []*T) []clickhouse.Column {
	kind := reflect.TypeFor[T]()
	var columns []clickhouse.Column
	for i := range kind.NumField() {
		field := kind.Field(i)
		values := reflect.MakeSlice(reflect.SliceOf(field.Type), len(rows), len(rows))
		for row := range rows {
			values.Index(row).Set(reflect.ValueOf(rows[row]).Elem().Field(i))
		}
		name := field.Tag.Get("ch")
		columns = append(columns, clickhouse.Column{Name: name, Values: values.Interface()})
		if json, is := map[string]string{"props_text": "props", "detail_text": "detail"}[name]; is {
			columns = append(columns, clickhouse.Column{Name: json, Values: objects(values.Interface().([]string))})
		}
	}
	return columns
}

// objects are the texts with an empty object where there is none.
func objects(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		if out[i] = text; text == "" {
			out[i] = "{}"
		}
	}
	return out
}
