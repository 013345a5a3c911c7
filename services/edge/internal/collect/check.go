package collect

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/identity"
	"github.com/waymark-events/waymark/pkg/recorder"
)

// maxHeader bounds what is kept of one header, in bytes.
const maxHeader = 1024

// A request is what a request says of all its events.
type request struct {
	owner    *account.Account
	received int64
	sentAt   int64
	client   netip.Addr
	header   http.Header
}

func (h *Handler) describe(r *http.Request, owner *account.Account, received time.Time, sentAt int64) *request {
	if sentAt == 0 {
		if text := r.Header.Get("X-Sent-At"); text != "" {
			sentAt = parseMoment([]byte(strconv.Quote(text)))
		}
	}
	return &request{owner: owner, received: received.UnixMilli(), sentAt: sentAt, client: h.ClientIP.ClientIP(r.RemoteAddr, r.Header), header: r.Header}
}

// get returns a header, cut to maxHeader.
func (r *request) get(name string) string {
	value := r.header.Get(name)
	return value[:min(len(value), maxHeader)]
}

// check decides on each event and makes records of those that are right. An id that comes twice in a request is one event:
// the second is answered with the first one's id and not stored again.
func (h *Handler) check(events []piece, r *request) ([]result, []event.Record) {
	results := make([]result, len(events))
	records := make([]event.Record, 0, len(events))
	seen := make(map[uuid.UUID]int, len(events)) // the record of each id
	raw := r.raw()
	var decoded recorder.Event
	for i, p := range events {
		err := h.inspect(p)
		if err == nil {
			err = recorder.Decode(p.value, &decoded)
		}
		if err != nil {
			results[i] = reject(err)
			continue
		}
		raw.EventID = identity.EventID(r.owner.ID, decoded.ID)
		raw.Value = p.value
		place, before := seen[raw.EventID]
		if !before {
			place = len(records)
		}
		results[i] = result{Status: accepted, ID: raw.EventID.String(), Warnings: decoded.Warnings, record: place}
		if before {
			continue
		}
		seen[raw.EventID] = place
		visitor := identity.Visitor(r.owner, &decoded, raw.EventID)
		records = append(records, raw.Record(event.Key(r.owner.ID, visitor)))
	}
	return results, records
}

func reject(err error) result {
	why := event.AsRejection(err)
	if why == nil { // the decoder promises a Rejection
		why = &event.Rejection{Reason: event.ReasonMalformedJSON, Err: err}
	}
	return result{Status: rejected, Code: string(why.Reason), Path: why.Path, Message: why.Err.Error()}
}

// raw returns what all events of the request share.
func (r *request) raw() event.Raw {
	return event.Raw{
		Format: event.FormatRecorder, AccountID: r.owner.ID, ReceivedAt: r.received, SentAt: r.sentAt, ClientIP: r.client,
		UserAgent: r.get("User-Agent"), DNT: r.header.Get("DNT") == "1", GPC: r.header.Get("Sec-GPC") == "1",
		Hints: event.Hints{
			UA: r.get("Sec-CH-UA"), FullVersionList: r.get("Sec-CH-UA-Full-Version-List"), FullVersion: r.get("Sec-CH-UA-Full-Version"),
			Mobile: r.get("Sec-CH-UA-Mobile"), Model: r.get("Sec-CH-UA-Model"), Platform: r.get("Sec-CH-UA-Platform"),
			PlatformVersion: r.get("Sec-CH-UA-Platform-Version"), FormFactors: r.get("Sec-CH-UA-Form-Factors"), RequestedWith: r.get("X-Requested-With"),
		},
	}
}
