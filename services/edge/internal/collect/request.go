package collect

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// An endpoint is where requests of one shape come in.
type endpoint struct {
	// path is its URL's, without a slash at its end.
	path string
	// methods are those that it takes, besides OPTIONS.
	methods []string
	// format is the wire format that its events are in (pkg/formats).
	format string
	// read takes into memory what the request says of its events, its body for instance.
	read func(h *Handler, w http.ResponseWriter, r *http.Request, held *room, received time.Time) (*buffer, *intake.Refusal)
	// split finds the events in a body. It must end at the first event too many: nobody was asked for a key yet.
	split func(h *Handler, body []byte, contentType string) (batch, *intake.Refusal)
	// key is the write key that a request says before its body; "" where only the body may have it.
	key func(h *Handler, r *http.Request) string
	// public tells that the key stands where everybody reads it, wherever the request comes from: a server's is refused.
	public bool
	// page is the origin of the page that a request comes from; "" where it comes from none, or does not say.
	page func(r *http.Request) string
	// answer says what became of each event, refuse why nothing was taken.
	answer func(w http.ResponseWriter, results []intake.Result)
	refuse func(w http.ResponseWriter, why *intake.Refusal)
	// tooLarge is the status for more than is taken.
	tooLarge int
	// relayed and keep are intake.Request's.
	relayed, keep bool
}

// endpoints are all there are by their paths, each kind in a file of its own.
var endpoints = func() map[string]*endpoint {
	all := map[string]*endpoint{eventsEndpoint.path: &eventsEndpoint, pixelEndpoint.path: &pixelEndpoint}
	for i := range segmentEndpoints {
		all[segmentEndpoints[i].path] = &segmentEndpoints[i]
	}
	return all
}()

// plainPaths are those of endpoints that are nothing else: a request for one needs no look at its parts.
var plainPaths = func() map[string]*endpoint {
	plain := maps.Clone(endpoints)
	maps.DeleteFunc(plain, func(path string, _ *endpoint) bool { return lookupOf(partsOf(path)) != nil })
	return plain
}()

// A batch is what one request holds.
type batch struct {
	key    string // in the body; "" where it holds none
	sentAt int64  // Unix milliseconds; 0 when not sent
	events []intake.Piece
	// context is JSON: what is said of all events; nil where nothing is.
	context []byte
	// reading, unless nil, is whose memory events are in.
	reading *reading
}

// release gives the memory of the events back.
func (b *batch) release() {
	if b.reading != nil {
		b.reading.release(b.events)
	}
}

// collect does the work: who is it, what do they send, is it right, store it. The turn that it begins with is given back while it waits for the network.
func (h *Handler) collect(w http.ResponseWriter, r *http.Request, at *endpoint, turn *turn) ([]intake.Result, *intake.Refusal) {
	if at == nil {
		_ = h.letBrowsers(w, r, originOf(r), []string{http.MethodPost}) // a page may read that there is nothing
		return nil, intake.Refuse(http.StatusNotFound, "not_found", "events go to POST /v1/events")
	}
	page := at.page(r)
	if refused := h.letBrowsers(w, r, page, at.methods); refused != nil {
		return nil, refused
	}
	if !slices.Contains(at.methods, r.Method) {
		return nil, notAllowed(w, r, at.methods, at.path)
	}
	received := time.Now()
	client := h.clientIP.ClientIP(r.RemoteAddr, r.Header)
	limited := h.limitedAs(client)
	if limited.IsValid() {
		if refused := h.intake.AdmitClient(limited, received); refused != nil {
			return nil, refused
		}
	}

	// A key in the header can be refused before the body is read.
	var owner *account.Grant
	if key := at.key(h, r); key != "" {
		var refused *intake.Refusal
		if owner, refused = h.authenticate(at, key, page, received); refused != nil {
			return nil, refused
		}
	}
	held, err := h.budget.enter(client, owner == nil)
	if err != nil {
		return nil, h.busy(err)
	}
	defer held.leave()
	held.turn = turn
	b, refused := at.read(h, w, r, held, received)
	if refused != nil {
		return nil, refused
	}
	defer b.free()
	sent, refused := at.split(h, b.bytes, r.Header.Get("Content-Type"))
	defer sent.release()
	if refused != nil {
		return nil, refused
	}
	if owner == nil {
		if owner, refused = h.authenticate(at, sent.key, page, received); refused != nil {
			return nil, refused
		}
	}
	if refused := h.intake.Admit(owner, limited, len(sent.events), received); refused != nil {
		return nil, refused
	}

	request := h.describe(r, turn, at, owner.Account, client, received, &sent)
	checked := h.intake.Check(sent.events, request)
	defer checked.Release()
	turn.give()
	if len(checked.Records) > 0 {
		// On its way to Kafka or to the spool there is a copy of it.
		if err := held.take(sizeOf(checked.Records)); err != nil {
			return nil, h.busy(err)
		}
	}
	if refused := h.intake.Store(r.Context(), owner, checked); refused != nil {
		return nil, refused
	}
	return checked.Results, nil
}

// authenticate finds what a key gives at an endpoint to requests from a page.
func (h *Handler) authenticate(at *endpoint, key, page string, now time.Time) (*account.Grant, *intake.Refusal) {
	owner, refused := h.intake.Authenticate(key, page, now)
	if refused == nil && at.public {
		refused = h.intake.KeepSecret(owner)
	}
	return owner, refused
}

// notAllowed answers a request by a method that its path does not take: OPTIONS, by which pages and others ask what may come, or one that is wrong.
func notAllowed(w http.ResponseWriter, r *http.Request, methods []string, path string) *intake.Refusal {
	if r.Method == http.MethodOptions {
		return &intake.Refusal{Status: http.StatusNoContent}
	}
	w.Header().Set("Allow", strings.Join(methods, ", ")+", OPTIONS")
	return intake.Refuse(http.StatusMethodNotAllowed, "method_not_allowed", path+" is for "+strings.Join(methods, " and "))
}

// limitedAs is whose limit of requests and events a client's are: its address's, of IPv6 the /64's. A proxy that named nobody is no client: its
// limit would be everybody's.
func (h *Handler) limitedAs(client netip.Addr) netip.Addr {
	if h.clientIP.Trusts(client) {
		return netip.Addr{}
	}
	return peerOf(client)
}

// describe says what the request says of all its events.
func (h *Handler) describe(r *http.Request, turn *turn, at *endpoint, owner *account.Account, client netip.Addr, received time.Time, sent *batch) *intake.Request {
	sentAt := sent.sentAt
	if sentAt == 0 {
		if text := r.Header.Get("X-Sent-At"); text != "" {
			sentAt = parseMoment([]byte(strconv.Quote(text)))
		}
	}
	return &intake.Request{
		Owner: owner, Format: at.format, Received: received.UnixMilli(), SentAt: sentAt, Client: client, Header: r.Header,
		Context: sent.context, Relayed: at.relayed, Keep: at.keep, Pause: turn.pause,
	}
}

// sizeOf is what records take, in bytes.
func sizeOf(records []event.Record) (n int64) {
	for i := range records {
		n += int64(records[i].Size())
	}
	return n
}

// partsOf are a path's parts between slashes; none where it is longer than any that is known. Base URLs are configured with and without a slash at
// their end, so slashes may be doubled or trail.
func partsOf(path string) (parts []string) {
	if !strings.HasPrefix(path, "/") || len(path) > longestPath {
		return nil
	}
	for part := range strings.SplitSeq(path, "/") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// longestPath bounds what is looked at of a path, in bytes: a write key may stand in it.
const longestPath = 512
