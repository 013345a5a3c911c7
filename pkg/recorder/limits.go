package recorder

import "github.com/waymark-events/waymark/pkg/lenient"

// Limits of the wire format, the same as in schemas/events/event.schema.json; pkg/lenient says what each bounds.
const (
	MaxWord        = lenient.MaxWord
	MaxID          = lenient.MaxID
	MaxPlayID      = lenient.MaxPlayID
	MaxName        = lenient.MaxName
	MaxURL         = lenient.MaxURL
	MaxTime        = lenient.MaxTime
	MaxWholeID     = lenient.MaxWholeID
	MaxStepIndex   = lenient.MaxStepIndex
	MaxPixels      = lenient.MaxPixels
	MaxNames       = lenient.MaxNames
	MaxDetailNames = lenient.MaxDetailNames
	MaxNameLength  = lenient.MaxNameLength
	Rest           = lenient.Rest
	// MaxPurposes is how many purposes a consent names.
	MaxPurposes = 64
)
