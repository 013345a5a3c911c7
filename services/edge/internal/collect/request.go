package collect

import (
	"net/http"
	"net/netip"
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
	// format is the wire format that its events are in (pkg/formats).
	format string
	// split finds the events in a body. It must end at the first event too many: nobody was asked for a key yet.
	split func(h *Handler, body []byte, contentType string) (batch, *intake.Refusal)
}

// endpoints are all there are, each in a file of its own.
var endpoints = []endpoint{eventsEndpoint}

// A batch is what one request holds.
type batch struct {
	key    string // in the body; "" where it holds none
	sentAt int64  // Unix milliseconds; 0 when not sent
	events []intake.Piece
}

// collect does the work: who is it, what do they send, is it right, store it.
func (h *Handler) collect(w http.ResponseWriter, r *http.Request) ([]intake.Result, *intake.Refusal) {
	notAllowed := h.letBrowsers(w, r)
	at := endpointOf(r.URL.Path)
	switch {
	case at == nil:
		return nil, intake.Refuse(http.StatusNotFound, "not_found", "events go to POST /v1/events")
	case notAllowed != nil:
		return nil, notAllowed
	case r.Method == http.MethodOptions:
		return nil, &intake.Refusal{Status: http.StatusNoContent}
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST, OPTIONS")
		return nil, intake.Refuse(http.StatusMethodNotAllowed, "method_not_allowed", "events go to POST "+at.path)
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
	origin := r.Header.Get("Origin")
	if key := keyFromHeader(r); key != "" {
		var refused *intake.Refusal
		if owner, refused = h.intake.Authenticate(key, origin, received); refused != nil {
			return nil, refused
		}
	}
	held, err := h.budget.enter(client, owner == nil)
	if err != nil {
		return nil, h.busy(err)
	}
	defer held.leave()
	b, refused := h.readBody(w, r, held)
	if refused != nil {
		return nil, refused
	}
	defer b.release()
	sent, refused := at.split(h, b.bytes, r.Header.Get("Content-Type"))
	if refused != nil {
		return nil, refused
	}
	if owner == nil {
		if owner, refused = h.intake.Authenticate(sent.key, origin, received); refused != nil {
			return nil, refused
		}
	}
	if refused := h.intake.Admit(owner, limited, len(sent.events), received); refused != nil {
		return nil, refused
	}

	request := h.describe(r, at, owner.Account, received, sent.sentAt)
	results, records := h.intake.Check(sent.events, request)
	b.worked()
	if len(records) > 0 {
		// On its way to Kafka or to the spool there is a copy of it.
		if err := held.take(sizeOf(records)); err != nil {
			return nil, h.busy(err)
		}
	}
	if refused := h.intake.Store(r.Context(), owner, results, records); refused != nil {
		return nil, refused
	}
	return results, nil
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
func (h *Handler) describe(r *http.Request, at *endpoint, owner *account.Account, received time.Time, sentAt int64) *intake.Request {
	if sentAt == 0 {
		if text := r.Header.Get("X-Sent-At"); text != "" {
			sentAt = parseMoment([]byte(strconv.Quote(text)))
		}
	}
	return &intake.Request{
		Owner: owner, Format: at.format, Received: received.UnixMilli(), SentAt: sentAt, Client: h.clientIP.ClientIP(r.RemoteAddr, r.Header), Header: r.Header,
	}
}

// sizeOf is what records take, in bytes.
func sizeOf(records []event.Record) (n int64) {
	for i := range records {
		n += int64(records[i].Size())
	}
	return n
}

// endpointOf finds the endpoint of a path; nil where there is none. Base URLs are configured with and without a slash at their end, so slashes
// may be doubled or trail.
func endpointOf(path string) *endpoint {
	if !strings.HasPrefix(path, "/") {
		return nil
	}
	clean := strings.Builder{}
	for part := range strings.SplitSeq(path, "/") {
		if part != "" {
			clean.WriteString("/" + part)
		}
		if clean.Len() > longestPath {
			return nil
		}
	}
	for i := range endpoints {
		if endpoints[i].path == clean.String() {
			return &endpoints[i]
		}
	}
	return nil
}

// longestPath bounds what is compared of a path, in bytes.
const longestPath = 128
