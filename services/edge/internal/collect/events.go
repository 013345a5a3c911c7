package collect

import (
	"net/http"
	"strconv"
	"time"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// collect serves /v1/events, of the recorder's format: who is it, what do they send, is it right, store it.
func (h *Handler) collect(w http.ResponseWriter, r *http.Request) ([]intake.Result, *intake.Refusal) {
	notAllowed := h.letBrowsers(w, r)
	switch {
	case !isCollector(r.URL.Path):
		return nil, intake.Refuse(http.StatusNotFound, "not_found", "events go to POST /v1/events")
	case notAllowed != nil:
		return nil, notAllowed
	case r.Method == http.MethodOptions:
		return nil, &intake.Refusal{Status: http.StatusNoContent}
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST, OPTIONS")
		return nil, intake.Refuse(http.StatusMethodNotAllowed, "method_not_allowed", "events go to POST /v1/events")
	}
	received := time.Now()

	// A key in the header can be refused before the body is read.
	var owner *account.Account
	if key := keyFromHeader(r); key != "" {
		var refused *intake.Refusal
		if owner, refused = h.intake.Authenticate(key); refused != nil {
			return nil, refused
		}
	}
	client := h.clientIP.ClientIP(r.RemoteAddr, r.Header)
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
	sent, refused := h.split(b.bytes, r.Header.Get("Content-Type"))
	if refused != nil {
		return nil, refused
	}
	if owner == nil {
		if owner, refused = h.intake.Authenticate(sent.key); refused != nil {
			return nil, refused
		}
	}
	if refused := h.intake.Admit(owner, len(sent.events), received); refused != nil {
		return nil, refused
	}

	request := h.describe(r, owner, received, sent.sentAt)
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

// describe says what the request says of all its events.
func (h *Handler) describe(r *http.Request, owner *account.Account, received time.Time, sentAt int64) *intake.Request {
	if sentAt == 0 {
		if text := r.Header.Get("X-Sent-At"); text != "" {
			sentAt = parseMoment([]byte(strconv.Quote(text)))
		}
	}
	return &intake.Request{
		Owner: owner, Format: event.FormatRecorder, Received: received.UnixMilli(), SentAt: sentAt, Client: h.clientIP.ClientIP(r.RemoteAddr, r.Header), Header: r.Header,
	}
}

// sizeOf is what records take, in bytes.
func sizeOf(records []event.Record) (n int64) {
	for i := range records {
		n += int64(records[i].Size())
	}
	return n
}
