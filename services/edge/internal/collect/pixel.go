package collect

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// pixelEndpoint takes one event out of a picture's URL, for mails and pages without scripts. A GET has no body whose bytes could be kept: the raw
// record holds the recorder's event that readQuery makes, or, of the name event, the one that the client wrote.
//
// Its key can be read by whoever has the mail or the page, and stands in proxies' logs: a server's is refused, whatever the request says. A key of
// scope browser wants a page, by Origin or else by Referer; in mails, which name none, only one of scope any will do.
var pixelEndpoint = endpoint{
	path: "/v1/pixel.gif", methods: []string{http.MethodGet, http.MethodHead}, format: event.FormatRecorder, read: (*Handler).readQuery, split: (*Handler).whole,
	key: pixelKey, public: true, page: pixelPage, answer: writePixelResult, refuse: refusePixel, tooLarge: http.StatusRequestEntityTooLarge,
}

const (
	// maxQuery bounds the query, in bytes: what is longer, proxies and mail programs cut or refuse.
	maxQuery = 8 << 10
	// maxReferer bounds what is read of a Referer, in bytes: as much as a URL may have.
	maxReferer = 8 << 10
)

// pixelKey is the query's key. A query that is too long is not looked at.
func pixelKey(_ *Handler, r *http.Request) string {
	if len(r.URL.RawQuery) > maxQuery {
		return ""
	}
	return r.URL.Query().Get("key")
}

// pixelPage is the origin of the page that a picture is in. Browsers send an Origin for few pictures; the Referer of all others begins with it, unless
// a page or its tag says no-referrer.
func pixelPage(r *http.Request) string {
	if origin := originOf(r); origin != "" {
		return origin
	}
	referer := r.Header.Get("Referer")
	at, err := url.Parse(referer[:min(len(referer), maxReferer)])
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
		return ""
	}
	return at.Scheme + "://" + strings.ToLower(at.Host)
}

// readQuery makes the event that a query means. What nobody has looked at is not counted: a HEAD, and what a browser fetches ahead.
func (h *Handler) readQuery(_ http.ResponseWriter, r *http.Request, held *room, received time.Time) (*buffer, *intake.Refusal) {
	query := r.URL.RawQuery
	if len(query) > maxQuery {
		return nil, intake.Refuse(http.StatusRequestURITooLong, "query_too_long", fmt.Sprintf("a query has at most %d bytes", maxQuery))
	}
	held.arrived()
	names, err := url.ParseQuery(query)
	switch {
	case err != nil:
		return nil, intake.Refuse(http.StatusBadRequest, "bad_query", "the query is not encoded as a URL's (application/x-www-form-urlencoded)")
	case r.Method == http.MethodHead:
		return nil, &intake.Refusal{Status: http.StatusOK, Code: "head"}
	case isAhead(r.Header):
		return nil, &intake.Refusal{Status: http.StatusOK, Code: "prefetch"}
	}
	made, refused := eventOf(names, r.Header.Get("Referer"), received)
	if refused != nil {
		return nil, refused
	}
	b := &buffer{room: held}
	if err := b.hold(made); err != nil {
		return nil, h.busy(err)
	}
	return b, nil
}

// isAhead tells whether a browser fetches what its user may never look at: Sec-Purpose is the Fetch standard's, "prefetch" or "prefetch;prerender";
// the others are older browsers'.
func isAhead(header http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		purpose, _, _ := strings.Cut(header.Get(name), ";")
		switch strings.ToLower(strings.TrimSpace(purpose)) {
		case "prefetch", "prerender", "preview":
			return true
		}
	}
	return false
}

// A member is one of an event, and the query's name for it.
type member struct{ name, in string }

// flatMembers are an event's members that a query can say, by the object that they are in: "" is the event itself. time and props are the others.
var flatMembers = []struct {
	object  string
	members []member
}{
	{"", []member{{"event_id", "id"}, {"type", "type"}, {"session", "session"}, {"environment", "environment"}, {"consent", "consent"}}},
	{"data", []member{{"item", "type"}, {"id", "oId"}, {"name", "oName"}}},
	{"page", []member{{"url", "url"}, {"title", "title"}, {"referrer", "referrer"}}},
	{"user", []member{{"guid", "guid"}, {"user", "id"}}},
}

const propsPrefix = "props."

// isFlat tells whether a query's name says a member of the event. All but these, key and event are somebody else's, such as one that keeps a
// picture out of caches.
func isFlat(name string) bool {
	for _, of := range flatMembers {
		if slices.ContainsFunc(of.members, func(m member) bool { return m.name == name }) {
			return true
		}
	}
	return name == "time" || len(name) > len(propsPrefix) && strings.HasPrefix(name, propsPrefix)
}

// eventOf is the event that a query's names say. Empty values count as absent.
func eventOf(names url.Values, referer string, received time.Time) ([]byte, *intake.Refusal) {
	whole := names.Get("event") != ""
	for _, name := range slices.Sorted(maps.Keys(names)) {
		flat := isFlat(name)
		switch {
		case (flat || name == "event" || name == "key") && len(names[name]) > 1:
			return nil, intake.Refuse(http.StatusBadRequest, "ambiguous", "the query has one of its names twice")
		case flat && whole:
			return nil, intake.Refuse(http.StatusBadRequest, "ambiguous", "the query has an event and members of one: send one or the other")
		}
	}
	if whole {
		return wholeEvent(names.Get("event"))
	}
	if names.Get("url") == "" && referer != "" {
		names.Set("url", referer[:min(len(referer), maxReferer)])
	}
	return flatEvent(names, received), nil
}

// wholeEvent is an event in JSON, or in base64url of it, with padding or without.
func wholeEvent(text string) ([]byte, *intake.Refusal) {
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return []byte(text), nil
	}
	value, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(value) == 0 {
		return nil, intake.Refuse(http.StatusBadRequest, "bad_query", "event is neither a JSON object nor base64url of one")
	}
	return value, nil
}

// flatEvent makes an event of a query's names. It checks nothing: whether the event is right is judged as any other's.
func flatEvent(names url.Values, received time.Time) []byte {
	at := names.Get("time")
	if at == "" {
		at = strconv.FormatInt(received.UnixMilli(), 10)
	}
	out := append([]byte(nil), `{"time":`...)
	if number := jsontext.Value(at); number.Kind() == '0' && number.IsValid() {
		out = append(out, at...)
	} else {
		out = appendText(out, at)
	}
	for _, of := range flatMembers {
		var members []byte
		for _, m := range of.members {
			if value := names.Get(m.name); value != "" {
				members = appendMember(members, m.in, value)
			}
		}
		out = appendObject(out, of.object, members)
	}
	var props []byte
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if prop, ok := strings.CutPrefix(name, propsPrefix); ok && prop != "" {
			props = appendMember(props, prop, names.Get(name))
		}
	}
	out = appendObject(out, "props", props)
	return append(out, `,"library":{"name":"waymark-pixel"}}`...)
}

// appendObject appends a member that is an object of members, if there are any; those of "" are the event's own.
func appendObject(out []byte, name string, members []byte) []byte {
	switch {
	case len(members) == 0:
		return out
	case name == "":
		return append(append(out, ','), members...)
	}
	out = append(appendText(append(out, ','), name), ':', '{')
	return append(append(out, members...), '}')
}

func appendMember(out []byte, name, value string) []byte {
	if len(out) > 0 {
		out = append(out, ',')
	}
	return appendText(append(appendText(out, name), ':'), value)
}

// appendText appends a JSON string. Bytes that are not UTF-8 stay as they came: the event's decoder says what becomes of them.
func appendText(out []byte, text string) []byte {
	out = append(out, '"')
	for i := range len(text) {
		switch b := text[i]; {
		case b == '"', b == '\\':
			out = append(out, '\\', b)
		case b < ' ':
			out = fmt.Appendf(out, `\u%04x`, b)
		default:
			out = append(out, b)
		}
	}
	return append(out, '"')
}

// whole takes a body as one event.
func (h *Handler) whole(data []byte, _ string) (batch, *intake.Refusal) {
	data = bytes.TrimSpace(data)
	return batch{events: []intake.Piece{{Value: data, Depth: depth(data)}}}, nil
}

// pixel is a transparent GIF of one pixel, 43 bytes.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

// pixelResult is the header that says what became of the event.
const pixelResult = "X-Waymark-Result"

// writePixelResult answers for the event.
func writePixelResult(w http.ResponseWriter, results []intake.Result) {
	said := ""
	for _, r := range results { // one
		if said = r.Status; r.Code != "" {
			said += ":" + r.Code
		}
	}
	writePixel(w, http.StatusOK, said)
}

// refusePixel answers for a request of which nothing is stored; 200 is of one that is not counted.
func refusePixel(w http.ResponseWriter, r *intake.Refusal) {
	tell(w.Header(), r)
	switch r.Status {
	case http.StatusNoContent:
		w.WriteHeader(r.Status)
	case http.StatusOK:
		writePixel(w, r.Status, intake.Ignored+":"+r.Code)
	default:
		writePixel(w, r.Status, intake.Rejected+":"+r.Code)
	}
}

// writePixel answers with the picture, whatever the status: a broken one would show.
func writePixel(w http.ResponseWriter, status int, result string) {
	header := w.Header()
	header.Set("Content-Type", "image/gif")
	header.Set("Content-Length", strconv.Itoa(len(pixel)))
	header.Set(pixelResult, result)
	w.WriteHeader(status)
	_, _ = w.Write(pixel) // a client that is gone needs no answer
}
