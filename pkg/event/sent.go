package event

import "net/netip"

// A Sent event is what a client says, whatever wire format it came in: what formats decode to, and identity and enrichment start from. A format
// fills what it knows; the zero value of a field is "not said". Strings and values may alias the raw record's bytes.
type Sent struct {
	// ID is the client's own id of the event: a retry repeats it.
	ID string
	// Time is when it happened, Unix milliseconds by the client's clock. pkg/formats sees to it that there is one.
	Time int64
	// Untimed is true where the client did not say when; a format may let it.
	Untimed bool
	// SentAt is when the event was sent, by the same clock, where the event says so itself; 0 when it does not.
	SentAt int64
	// Name is a custom event's own, in formats that have names where the recorder has items: an account may say which item is meant.
	Name string
	// Event is what happened: play, step, complete, …; ItemType to which kind of item, "" when the format's word for it is none that this
	// version knows. See Known.
	Event, ItemType string
	ItemID          string
	ItemName        string
	ItemLanguage    string // BCP 47
	// InteractionID is one play of an item; all its events share it.
	InteractionID string
	Step          Step
	Preview       bool   // an author's test play
	Iteration     uint32 // which time this visitor plays the item, from 1; 0 when not said
	Trigger       string // what started the play
	DismissReason string
	FailureReason string
	// Details are what the item's kind adds, under the names that column detail has for them.
	Details []Detail

	Browser, OS               Software
	ScreenWidth, ScreenHeight uint32 // CSS pixels
	Language                  string // BCP 47
	Timezone                  string // IANA

	Device Device
	Client Client

	Page     Page
	Campaign Campaign
	User     User
	// Company is the end user's own, as the account identifies it.
	Company string
	// Environment is where the page runs, in the account's words; "" means production.
	Environment string
	Session     string
	// Consent is what the visitor allowed, as far as the event says.
	Consent Consent

	// Props are the account's own properties: a JSON object, or nil.
	Props   []byte
	Library Software

	// Warnings say which members are not as they were sent.
	Warnings []Warning
}

// A Detail is a JSON value with the name that it gets.
type Detail struct {
	Name  string
	Value []byte
}

// A Step is a place within a walk-thru.
type Step struct {
	ID      string
	Indexed bool   // whether Index is said
	Index   int32  // zero-based
	Count   uint32 // of the walk-thru's steps; 0 when not said
	Name    string
}

// Consent is what a visitor allowed.
type Consent struct {
	// Status is ConsentGranted, ConsentDenied, or "" where the event does not say.
	Status string
	// Purposes are those that the event names (analytics, marketing, …), in the words of the account.
	Purposes []Purpose
}

// A Purpose is what data may be used for.
type Purpose struct {
	Name    string
	Granted bool
}

// What a consent may say.
const (
	ConsentGranted = "granted"
	ConsentDenied  = "denied"
)

// Software names a browser, an operating system or a library. Text is the two in one ("Chrome 72.0.3626.121").
type Software struct{ Name, Version, Text string }

// A Device is what an app knows of the device it runs on.
type Device struct{ Type, Brand, Model string }

// A Client is what an event says of the end user's own connection and browser: for servers, which send for them. Whoever receives it decides
// whether to believe it: an address that a browser claims is none.
type Client struct {
	IP        netip.Addr // unspecified (0.0.0.0) asks not to be located
	UserAgent string
	Hints     Hints
	// Page is true when the library that sent it runs in a page, App when it runs in an app.
	Page, App bool
}

// A Campaign is one that the visitor came by, where the page's URL does not say.
type Campaign struct{ Source, Medium, Name, Term, Content string }

// A Page is the one that the event happened on. The URLs are whole, however long.
type Page struct{ URL, Title, Referrer string }

// A User is who caused the event.
type User struct {
	// GUID is the visitor: a random anonymous id.
	GUID string
	// ID is the end user as the account identifies them; may be personal. Provider says where it came from, "" as the account is set.
	ID, Provider string
}
