package event

import "errors"

// A Reason is a machine-readable code for why an event cannot be used. The edge answers with it, a dead record carries it,
// and metrics are labelled with it.
type Reason string

const (
	ReasonMalformedJSON   Reason = "malformed_json"    // not one JSON value, or a name is repeated
	ReasonInvalidUTF8     Reason = "invalid_utf8"      // a required field is no Unicode text: bytes that are not UTF-8 (RFC 8259 §8.1), half of a surrogate pair
	ReasonTooDeep         Reason = "too_deep"          // objects and arrays nested deeper than accepted
	ReasonTooLarge        Reason = "too_large"         // one event longer than accepted
	ReasonNotAnObject     Reason = "not_an_object"     // a JSON value, but not an object
	ReasonMissingField    Reason = "missing_field"     // a required field is absent or empty
	ReasonWrongType       Reason = "wrong_type"        // a required field holds another JSON type than its schema's
	ReasonOutOfRange      Reason = "out_of_range"      // a required field's value is longer, smaller or larger than its schema accepts
	ReasonUnknownItemType Reason = "unknown_item_type" // data.type is none that this version knows
	ReasonUnknownEvent    Reason = "unknown_event"     // type is none of the item's events
	ReasonUnknownAccount  Reason = "unknown_account"   // the account is not in the accounts file
	ReasonWrongRegion     Reason = "wrong_region"      // the account belongs to another region
	ReasonNotCollected    Reason = "not_collected"     // the account's policy does not collect it: its dead letter has nothing of it but its name
	ReasonBadHeaders      Reason = "bad_headers"       // the record was not written by an edge
	ReasonBadEnriched     Reason = "bad_enriched"      // the enriched record cannot be decoded
	ReasonBadRow          Reason = "bad_row"           // ClickHouse refuses this row whatever else is in the batch
)

// Stages that can give up on a record.
const (
	StageDecode = "decode"
	StageEnrich = "enrich"
	StageInsert = "insert"
)

// A Rejection is a permanent error: the event will never be usable, however often it is tried. Any other error of a stage
// is either worth a retry or a bug.
type Rejection struct {
	Reason Reason
	// Path is the JSON path of the offending value ($.data.oId), empty where there is none.
	Path string
	// Err is a sentence for people. It must not quote the event's values: they may be personal.
	Err error
}

func (r *Rejection) Error() string { return string(r.Reason) + ": " + r.Err.Error() }

func (r *Rejection) Unwrap() error { return r.Err }

// Reject marks err as permanent.
func Reject(reason Reason, err error) error { return &Rejection{Reason: reason, Err: err} }

// AsRejection returns the Rejection in err's chain, or nil.
func AsRejection(err error) *Rejection {
	var r *Rejection
	if errors.As(err, &r) {
		return r
	}
	return nil
}
