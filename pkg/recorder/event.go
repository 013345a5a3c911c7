// Package recorder is the recorder's wire format: what a client sends for one event, decoded.
//
// Strict are the JSON itself, time, type and data.type: without them an event is none. No other member costs the event: one of another
// type, length or range than schemas/events/event.schema.json publishes is converted, cut or left out, and the event's Warnings say so. A
// test holds schema and decoder together: what the schema accepts gives no warning, and the reverse.
package recorder

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
)

// An Event is one event as the recorder sends it. Names and places are the wire format's own. Members it does not know are
// ignored here and kept in the raw record.
type Event struct {
	// ID is the client's own id of the event, of any length: a retry repeats it. Optional.
	ID string `json:"id"`
	// Time is when it happened, Unix milliseconds by the client's clock. Required.
	Time Millis `json:"time"`
	// Type is what happened to the item: play, step, complete, …. Required.
	Type    string  `json:"type"`
	Data    Data    `json:"data"`
	Env     Env     `json:"env"`
	Page    Page    `json:"page"`
	User    User    `json:"user"`
	Company Company `json:"company"`
	// Environment is where the page runs, in the account's words: production, test, staging, …. Empty means production.
	Environment string `json:"environment"`
	// Session is the session's id, made by the recorder.
	Session string `json:"session"`
	// Consent is what the visitor allowed.
	Consent Consent `json:"consent"`
	// Props are the account's own properties: a JSON object, within the limits of Rest.
	Props   jsontext.Value `json:"props"`
	Library Library        `json:"library"`

	// Warnings say which members are not as they were sent. Each is there once.
	Warnings []event.Warning `json:"-"`
}

// Data says which item the event is about.
type Data struct {
	// Type is the item's kind on the wire ("wt"); ItemType translates it. Required.
	Type string `json:"type"`
	// ID is the item's id; numbers and strings are both accepted.
	ID ID `json:"oId"`
	// Name is the item's name.
	Name string `json:"oName"`
	// PlayID identifies one play of the item: <epoch ms>-<oId>-<guid>. Every later event of the play repeats it.
	PlayID string `json:"pId"`
	Step   Step   `json:"step"`
	// Preview is true for an author's test play.
	Preview bool `json:"preview"`
	// Iteration is which time this visitor plays the item, from 1; 0 when not sent.
	Iteration uint32 `json:"iteration"`
	// Language is the item's own, BCP 47.
	Language string `json:"language"`
	// DismissReason says how the visitor got rid of the item: closed, snoozed, clicked_away, navigated, ….
	DismissReason string `json:"dismissReason"`

	// What the item's kind adds. Each is a JSON value kept as sent, within the limits of Rest; together they become the enriched
	// event's detail, under these names.
	Init    jsontext.Value `json:"pInit"`   // object: how the play was started; {"type": "launcher"}
	Error   jsontext.Value `json:"error"`   // object: why a play failed; {"code", "message"}
	Goal    jsontext.Value `json:"goal"`    // object: the goal or milestone; {"id", "name", "main": bool}
	Lesson  jsontext.Value `json:"lesson"`  // object: a course's lesson; {"id", "name"}
	Quiz    jsontext.Value `json:"quiz"`    // object: {"id", "score": number, "passed": bool}
	Answers jsontext.Value `json:"answers"` // array: a survey's answers; [{"question", "answer"}]
	Query   jsontext.Value `json:"query"`   // string: what was searched for
	Result  jsontext.Value `json:"result"`  // object or null: the search result chosen, null for none found
	Action  jsontext.Value `json:"action"`  // object: the action clicked; {"id", "name"}
	Rule    jsontext.Value `json:"rule"`    // object: the auto-play rule; {"id", "name"}
	Event   jsontext.Value `json:"event"`   // string: the name of a custom event
}

// A Step is a place within a walk-thru.
type Step struct {
	ID ID `json:"id"`
	// Index is zero-based; nil when not sent.
	Index *int32 `json:"index"`
	// Count is how many steps the walk-thru has; 0 when not sent.
	Count uint32 `json:"count"`
	Name  string `json:"name"`
}

// Env is what the recorder itself knows of the environment. It fills only what the request's headers leave open.
type Env struct {
	Browser  Software `json:"browser"`
	OS       Software `json:"os"`
	Screen   Screen   `json:"screen"`
	Language string   `json:"language"` // BCP 47
	Timezone string   `json:"timezone"` // IANA name
}

// Software names a browser or an operating system. String is the two in one ("Chrome 72.0.3626.121").
type Software struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	String  string `json:"string"`
}

// Screen is the screen's size in CSS pixels.
type Screen struct {
	Width  uint32 `json:"width"`
	Height uint32 `json:"height"`
}

// Page is the page the event happened on. The URLs are whole, however long: who stores one takes credentials off it before it is cut to
// MaxURL, or the cut could hide where they end.
type Page struct {
	URL      string `json:"url"`
	Title    string `json:"title"`
	Referrer string `json:"referrer"`
}

// User is who caused the event.
type User struct {
	// GUID is the visitor: the random anonymous id the recorder keeps in the browser.
	GUID string `json:"guid"`
	// ID is the end user as the account identifies them. May be personal.
	ID string `json:"id"`
	// Provider says where ID came from (cookie, variable, element, idp, crm); empty means as the account is set.
	Provider string `json:"provider"`
	// Traits are kept in the raw record only.
	Traits jsontext.Value `json:"traits"`
}

// Company is the end user's own, at the account that is our customer.
type Company struct {
	ID string `json:"id"`
}

// Consent is what the visitor allowed; a string is its Status.
type Consent struct {
	// Status is granted or denied; empty when not sent.
	Status string `json:"status"`
	// Purposes have a boolean each, by name; up to MaxPurposes.
	Purposes []event.Purpose `json:"purposes"`
}

// Library is the client that sent the event.
type Library struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Millis is a point in time in Unix milliseconds. JSON numbers with a fraction are cut to whole milliseconds.
type Millis int64

// ID is an identifier that clients send as a JSON string or as a whole number.
type ID string
