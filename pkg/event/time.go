package event

import "math"

// Bounds of a time that the table stores as it is, Unix milliseconds: 1900-01-01, where DateTime64 begins, and 2262-04-11 23:47:16.854, where
// the nanoseconds end that the ClickHouse client makes of every time. The sink stores the nearer bound of what is beyond.
const (
	MinStoredTime = -2_208_988_800_000
	MaxStoredTime = math.MaxInt64 / 1_000_000
)
