package event

import "strings"

// A Warning says what was done to a member of an event that could not be taken as it was sent. The event is accepted all the same; the edge
// answers with the warning, and the row has it among its flags.
type Warning struct {
	Code WarningCode `json:"code"`
	// Path is the JSON path of the member ($.page.title); it never quotes a name of the client's own.
	Path string `json:"path"`
}

// A WarningCode is a machine-readable word for what was done.
type WarningCode string

const (
	WarnCut       WarningCode = "cut"          // a text is longer than its limit: its beginning is kept
	WarnShortened WarningCode = "shortened"    // an identifier is longer than its limit: its beginning is kept, and a hash of the whole
	WarnConverted WarningCode = "converted"    // a value of another type was converted: a number to text, text to a number, a fraction to a whole number, a number beyond 64 bits to text
	WarnReplaced  WarningCode = "replaced"     // U+FFFD stands for what is no Unicode: half of a surrogate pair, a byte that is not UTF-8
	WarnDropped   WarningCode = "dropped"      // the value cannot be read as what it should be: it is left out
	WarnNoID      WarningCode = "no_id"        // the identifier names nobody ("undefined", "null", zeros): it is left out
	WarnAsText    WarningCode = "kept_as_text" // what is no object, or has too many or too long names, is kept as JSON text under the name _rest
	WarnClamped   WarningCode = "clamped"      // a time is beyond what the table holds: the nearest that it holds is stored; told in flags only
	WarnRedacted  WarningCode = "redacted"     // a user name and a password were taken off a URL; told in flags only
	WarnScrubbed  WarningCode = "scrubbed"     // an e-mail address, a phone or card number, a token or a URL's parameters were taken out; told in flags only
	WarnUnkeyed   WarningCode = "unkeyed"      // the account has no key for pseudonyms: the anonymous id stands in for the user's; told in flags only
)

// WarningCodes are all of them.
var WarningCodes = []WarningCode{WarnCut, WarnShortened, WarnConverted, WarnReplaced, WarnDropped, WarnNoID, WarnAsText, WarnClamped, WarnRedacted, WarnScrubbed, WarnUnkeyed}

// Flag is the warning as a row's flags have it: cut:page.title.
func (w Warning) Flag() string { return string(w.Code) + ":" + strings.TrimPrefix(w.Path, "$.") }
