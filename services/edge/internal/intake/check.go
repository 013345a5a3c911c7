package intake

import (
	"fmt"
	"net/http"
	"net/netip"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/formats"
	"github.com/waymark-events/waymark/pkg/identity"
	"github.com/waymark-events/waymark/pkg/privacy"
)

// maxHeader bounds what is kept of one header, in bytes.
const maxHeader = 1024

// A Piece is one event as a client sent it, not looked at yet.
type Piece struct {
	Value []byte
	Depth int // how deep objects and arrays nest in it
}

// A Request is what a request says of all its events.
type Request struct {
	Owner *account.Account
	// Format is the wire format that the events are in.
	Format string
	// Received and SentAt are Unix milliseconds by the edge's clock and by the client's; SentAt is 0 where the client did not say.
	Received, SentAt int64
	Client           netip.Addr
	Header           http.Header
}

// get returns a header, cut to maxHeader.
func (r *Request) get(name string) string {
	value := r.Header.Get(name)
	return value[:min(len(value), maxHeader)]
}

// Check decides on each event and makes records of those that are right and that the account's policy collects, for Store. An id that comes twice in a request is one event:
// the second is answered with the first one's id and not stored again.
func (i *Intake) Check(events []Piece, r *Request) ([]Result, []event.Record) {
	results := make([]Result, len(events))
	records := make([]event.Record, 0, len(events))
	seen := make(map[uuid.UUID]int, len(events)) // the record of each id
	raw := r.raw()
	var sent event.Sent
	for n, p := range events {
		err := i.inspect(p)
		if err == nil {
			err = formats.Decode(raw.Format, p.Value, &sent)
		}
		if err != nil {
			results[n] = reject(err)
			continue
		}
		if why := privacy.Refuses(&r.Owner.Policy, &sent, privacy.Signals{GPC: raw.GPC, DNT: raw.DNT}); why != privacy.Collected {
			results[n] = Result{Status: Ignored, Code: string(event.ReasonNotCollected), Message: why.Sentence(), refusal: why}
			continue
		}
		raw.EventID = identity.EventID(r.Owner.ID, sent.ID)
		raw.Value = p.Value
		place, before := seen[raw.EventID]
		if !before {
			place = len(records)
		}
		results[n] = Result{Status: Accepted, ID: raw.EventID.String(), Warnings: sent.Warnings, record: place}
		if before {
			continue
		}
		seen[raw.EventID] = place
		visitor := identity.Visitor(r.Owner, &sent, raw.EventID)
		records = append(records, raw.Record(event.Key(r.Owner.ID, visitor)))
	}
	return results, records
}

func reject(err error) Result {
	why := event.AsRejection(err)
	if why == nil { // the decoder promises a Rejection
		why = &event.Rejection{Reason: event.ReasonMalformedJSON, Err: err}
	}
	return Result{Status: Rejected, Code: string(why.Reason), Path: why.Path, Message: why.Err.Error()}
}

// raw returns what all events of the request share.
func (r *Request) raw() event.Raw {
	return event.Raw{
		Format: r.Format, AccountID: r.Owner.ID, ReceivedAt: r.Received, SentAt: r.SentAt, ClientIP: privacy.AddressAtEdge(&r.Owner.Policy, r.Client),
		UserAgent: r.get("User-Agent"), DNT: r.Header.Get("DNT") == "1", GPC: r.Header.Get("Sec-GPC") == "1",
		Hints: event.Hints{
			UA: r.get("Sec-CH-UA"), FullVersionList: r.get("Sec-CH-UA-Full-Version-List"), FullVersion: r.get("Sec-CH-UA-Full-Version"),
			Mobile: r.get("Sec-CH-UA-Mobile"), Model: r.get("Sec-CH-UA-Model"), Platform: r.get("Sec-CH-UA-Platform"),
			PlatformVersion: r.get("Sec-CH-UA-Platform-Version"), FormFactors: r.get("Sec-CH-UA-Form-Factors"), RequestedWith: r.get("X-Requested-With"),
		},
	}
}

// inspect finds what makes a piece no event at all, before it is decoded.
func (i *Intake) inspect(p Piece) error {
	switch {
	case len(p.Value) > i.limits.EventBytes:
		return event.Reject(event.ReasonTooLarge, fmt.Errorf("the event has %d bytes, of at most %d", len(p.Value), i.limits.EventBytes))
	case p.Depth > i.limits.Depth:
		return event.Reject(event.ReasonTooDeep, fmt.Errorf("objects and arrays are nested deeper than %d", i.limits.Depth))
	}
	return nil
}
