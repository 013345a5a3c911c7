package erasure

import (
	"bytes"
	"encoding/json"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/formats"
)

// A Subject is whom an event is about, as far as is known: each identifier as it was sent and as it is stored. Empty ones are none. Strings
// may alias the event.
type Subject struct {
	Account   string
	Visitors  [4]string
	Users     [3]string
	Companies [2]string
	// ReceivedAt and Time are Unix milliseconds.
	ReceivedAt, Time int64
}

// OfEnriched is whom an enriched event is about.
func OfEnriched(e *event.Enriched) Subject {
	s := Subject{
		Account: e.AccountId, Visitors: [4]string{e.VisitorId}, Users: [3]string{e.UserId}, Companies: [2]string{e.CompanyId}, ReceivedAt: e.ReceivedAt, Time: e.Time,
	}
	if e.ItemType == event.UserItem && e.Event == "alias" {
		s.links(e.Detail)
	}
	return s
}

// links adds the other id that an alias links to its user: whichever of the two is erased, the link is.
func (s *Subject) links(detail []byte) {
	var alias struct {
		PreviousID string `json:"previous_id"`
	}
	if json.Unmarshal(detail, &alias) == nil {
		s.Visitors[3], s.Users[2] = alias.PreviousID, alias.PreviousID
	}
}

// OfRaw is whom a raw record is about, by what the client sent, whether or not the account's policy stores it, and by the visitor of the
// record's key. An event that cannot be decoded is about the key's visitor alone.
func OfRaw(raw *event.Raw, key []byte) Subject {
	s := Subject{Account: raw.AccountID, ReceivedAt: raw.ReceivedAt, Time: raw.ReceivedAt}
	if account, visitor, ok := bytes.Cut(key, []byte{'|'}); ok {
		s.Visitors[0] = string(visitor)
		if s.Account == "" {
			s.Account = string(account)
		}
	}
	var sent event.Sent
	if formats.Decode(raw, &sent) == nil {
		s.Visitors[1], s.Users[0], s.Companies[0], s.Time = sent.User.GUID, sent.User.ID, sent.Company, sent.Time
		for _, d := range sent.Details {
			if sent.ItemType == event.UserItem && d.Name == "previous_id" {
				s.links([]byte(`{"previous_id":` + string(d.Value) + `}`))
			}
		}
	}
	return s
}

// OfRecord is OfRaw for who does not know what is stored of the event: a visitor's id may stand in for a user's that the client did not send.
func OfRecord(rec *event.Record) Subject {
	var raw event.Raw
	_ = event.ParseRaw(rec, &raw) // as far as it goes
	s := OfRaw(&raw, rec.Key)
	s.Users[1] = s.Visitors[0]
	return s
}

// And adds what is stored of the event: identifiers under the policy of now, and its corrected time.
func (s Subject) And(e *event.Enriched) Subject {
	s.Visitors[2], s.Users[1], s.Companies[1], s.Time = e.VisitorId, e.UserId, e.CompanyId, e.Time
	return s
}

// OfDead is whom a dead letter is about: the raw record in it, or the enriched one that ClickHouse refused.
func OfDead(d *event.Dead) Subject {
	var e event.Enriched
	if d.Stage == event.StageInsert && e.UnmarshalVT(d.Value) == nil {
		return OfEnriched(&e)
	}
	rec := event.Record{Key: d.Key, Value: d.Value}
	for _, h := range d.Headers {
		rec.Headers = append(rec.Headers, event.Header{Key: h.Key, Value: h.Value})
	}
	var raw event.Raw
	_ = event.ParseRaw(&rec, &raw) // as far as it goes: that may be why it is dead
	if raw.AccountID == "" {
		raw.AccountID = d.AccountId
	}
	if raw.ReceivedAt <= 0 {
		raw.ReceivedAt = d.ReceivedAt
	}
	return OfRaw(&raw, d.Key)
}
