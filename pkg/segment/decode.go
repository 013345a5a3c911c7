// Package segment is Segment's HTTP tracking API, as its SDKs, RudderStack's and Jitsu's speak it: what they send for one message, decoded. See
// https://segment.com/docs/connections/spec/.
//
// Strict are the JSON itself, the message's type and what the type is nothing without: a track's event, a group's groupId, the two ids of an
// alias. No other member costs the message; its Warnings say what was done, as the recorder's do.
package segment

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/lenient"
)

// Limits of a message.
const (
	// MaxBytes bounds one message, as Segment does.
	MaxBytes = 32 << 10
	// MaxDepth bounds how deep its objects and arrays nest.
	MaxDepth = 32
)

// Methods are the types of messages.
var Methods = []string{"track", "page", "screen", "identify", "group", "alias"}

// Format is the name of the wire format of a message whose type its endpoint says.
func Format(method string) string { return event.FormatSegment + "/" + method }

// Decode reads one message into out, which it overwrites; out.Details keeps its memory. Strings of out alias value, which must not change while
// they are in use. context is a JSON object of what the message's batch says of all its messages, or nil. method is the type that the endpoint
// says, which counts; where it is empty, the message says its own.
//
// The error is a *event.Rejection whose sentence never quotes a value, and whose path never quotes a name of the client's own.
func Decode(value, context []byte, method string, out *event.Sent) error {
	details := out.Details[:0]
	*out = event.Sent{Details: details, Untimed: true}
	if err := withinLimits(value); err != nil {
		return err
	}
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.message = message{sent: out, method: method}
	if len(context) > 0 {
		r.Reset(context, string(context), paths)
		if r.Part("$.context", r.context) != nil {
			*out = event.Sent{Details: details, Untimed: true} // the edge takes none that is no JSON
		}
		out.Warnings = r.Warnings()
	}
	r.Reset(value, unsafe.String(unsafe.SliceData(value), len(value)), paths)
	err := r.read()
	out.Warnings = append(out.Warnings, r.Warnings()...)
	return err
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// A reader walks one message.
type reader struct {
	lenient.Reader
	message
}

// A message is what is known of one before its type says where it belongs.
type message struct {
	sent   *event.Sent
	method string

	event, name, category  string
	properties, traits     jsontext.Value
	contextTraits          jsontext.Value // where RudderStack's SDKs put an identify's
	app                    jsontext.Value
	groupID, contextGroup  string
	previousID, from, to   string
	original               int64
	hasOriginal, hasMethod bool
}

// read reads the message, then puts it where its type says.
func (r *reader) read() error {
	r.hasMethod = r.method != ""
	if err := r.Object("$", r.member); err != nil {
		return err
	}
	if err := r.End(); err != nil {
		return err
	}
	if r.hasOriginal {
		r.sent.Time, r.sent.Untimed = r.original, false
	}
	if r.method == "" {
		return lenient.Missing("$.type")
	}
	return r.place()
}

func (r *reader) member(name string) error {
	s := r.sent
	switch name {
	case "type":
		if r.hasMethod {
			return r.Skip()
		}
		return r.Word("$.type", &r.method)
	case "messageId":
		return r.ID("$.messageId", lenient.AnyLength, lenient.APerson, &s.ID)
	case "timestamp":
		return r.moment("$.timestamp", func(at int64) { s.Time, s.Untimed = at, false })
	case "originalTimestamp":
		return r.moment("$.originalTimestamp", func(at int64) { r.original, r.hasOriginal = at, true })
	case "sentAt":
		return r.moment("$.sentAt", func(at int64) { s.SentAt = at })
	case "anonymousId":
		return r.ID("$.anonymousId", lenient.MaxID, lenient.APerson, &s.User.GUID)
	case "userId":
		return r.ID("$.userId", lenient.MaxID, lenient.APerson, &s.User.ID)
	case "event":
		return r.String("$.event", lenient.MaxName, &r.event)
	case "name":
		return r.String("$.name", lenient.MaxName, &r.name)
	case "category":
		return r.String("$.category", lenient.MaxName, &r.category)
	case "properties":
		return r.Raw("$.properties", lenient.AnObject, lenient.MaxNames, &r.properties)
	case "traits":
		return r.Raw("$.traits", lenient.AnObject, lenient.MaxNames, &r.traits)
	case "groupId":
		return r.ID("$.groupId", lenient.MaxID, lenient.APerson, &r.groupID)
	case "previousId":
		return r.ID("$.previousId", lenient.MaxID, lenient.APerson, &r.previousID)
	case "from":
		return r.ID("$.from", lenient.MaxID, lenient.APerson, &r.from)
	case "to":
		return r.ID("$.to", lenient.MaxID, lenient.APerson, &r.to)
	case "context":
		return r.Part("$.context", r.context)
	}
	return r.Skip() // integrations, _metadata, channel, …
}

// place fills the event with what its type makes of the members.
func (r *reader) place() error {
	s := r.sent
	s.Company = r.contextGroup
	if s.Client.App && r.app != nil { // RudderStack's SDK for pages calls itself one, too
		s.Details = append(s.Details, event.Detail{Name: "app", Value: r.app})
	}
	switch r.method {
	case "track":
		if strings.TrimSpace(r.event) == "" {
			return lenient.Missing("$.event")
		}
		s.ItemType, s.Event, s.Name, s.Props = event.Custom, "track", r.event, r.properties
		r.detail("name", r.event)
	case "page", "screen":
		s.ItemType, s.Event, s.ItemName = event.PageView, "view", r.name
		r.page()
		if r.category != "" {
			r.detail("category", r.category)
		}
		if r.method == "screen" {
			s.Details = append(s.Details, event.Detail{Name: "screen", Value: []byte("true")})
		}
	case "identify":
		s.ItemType, s.Event, s.Props = event.UserItem, "identify", r.traits
		if s.Props == nil {
			s.Props = r.contextTraits
		}
	case "group":
		if r.groupID == "" {
			return lenient.Missing("$.groupId")
		}
		s.ItemType, s.Event, s.Company, s.Props = event.UserItem, "group", r.groupID, r.traits
	case "alias":
		return r.alias()
	default:
		return &event.Rejection{Reason: event.ReasonUnknownEvent, Path: "$.type", Err: fmt.Errorf("type is none of %s", strings.Join(Methods, ", "))}
	}
	return nil
}

// alias links two ids of one person: the old one becomes detail.previous_id.
func (r *reader) alias() error {
	s := r.sent
	s.ItemType, s.Event = event.UserItem, "alias"
	if r.previousID == "" {
		r.previousID = r.from
	}
	if s.User.ID == "" {
		s.User.ID = r.to
	}
	switch {
	case r.previousID == "":
		return lenient.Missing("$.previousId")
	case s.User.ID == "" && s.User.GUID == "":
		return lenient.Missing("$.userId")
	}
	r.detail("previous_id", r.previousID)
	return nil
}

func (r *reader) detail(name, text string) {
	quoted, _ := jsontext.AppendQuote(nil, text) // it is Unicode
	r.sent.Details = append(r.sent.Details, event.Detail{Name: name, Value: quoted})
}

// pageProperties are what page calls send as properties of what browsers know of a page. They are columns, or nothing: among the account's own
// properties they would pass its policy by.
var pageProperties = strings.Fields(`url title referrer path search hash tab_url referring_domain initial_referrer initial_referring_domain`)

// page takes the page from the properties of a page or screen call, before context.page.
func (r *reader) page() {
	s := r.sent
	if r.properties == nil {
		return
	}
	var own jsontext.Value
	for name, value := range lenient.Members(r.properties) {
		plain := string(name[1 : len(name)-1])
		if plain == "name" && s.ItemName == "" { // Jitsu's SDK has it only there
			text, _ := textOf(value)
			s.ItemName = event.Cut(text, lenient.MaxName)
		}
		if !slices.Contains(pageProperties, plain) {
			own = lenient.AppendMember(own, name, value)
			continue
		}
		text, ok := textOf(value)
		if !ok || text == "" {
			continue
		}
		switch plain {
		case "url":
			s.Page.URL = text
		case "title":
			s.Page.Title = event.Cut(text, lenient.MaxName)
		case "referrer":
			s.Page.Referrer = text
		}
	}
	if own != nil {
		s.Props = append(own, '}')
	}
}

// textOf is the text of a JSON string.
func textOf(value jsontext.Value) (text string, ok bool) {
	if value.Kind() != '"' {
		return "", false
	}
	plain, err := jsontext.AppendUnquote(nil, value)
	return string(plain), err == nil
}

// withinLimits refuses a message that is too long or nested too deep, before it is read.
func withinLimits(value []byte) error {
	if len(value) > MaxBytes {
		return event.Reject(event.ReasonTooLarge, fmt.Errorf("the message has %d bytes, of at most %d", len(value), MaxBytes))
	}
	deep := 0
	for at := 0; at < len(value); at++ {
		switch value[at] {
		case '"':
			for at++; at < len(value) && value[at] != '"'; at++ {
				if value[at] == '\\' {
					at++
				}
			}
		case '{', '[':
			if deep++; deep > MaxDepth {
				return event.Reject(event.ReasonTooDeep, fmt.Errorf("objects and arrays are nested deeper than %d", MaxDepth))
			}
		case '}', ']':
			deep--
		}
	}
	return nil
}

// paths are the objects of the wire format.
var paths = func() map[string]bool {
	out := map[string]bool{}
	for path := range strings.FieldsSeq(`$.context $.properties $.traits $.integrations $.context.app $.context.campaign $.context.consent $.context.consent.categoryPreferences $.context.device $.context.library
		$.context.os $.context.page $.context.screen $.context.traits $.context.userAgentData`) {
		out[path] = true
	}
	return out
}()
