package enrich

import "github.com/waymark-events/waymark/pkg/event"

// appendDetail appends to dst the JSON object of what the item's kind adds to an event, or nothing when it adds nothing. The
// values stand as the client sent them; decoding has checked them.
func appendDetail(dst []byte, details []event.Detail) []byte {
	if len(details) == 0 {
		return dst
	}
	separator := byte('{')
	for _, d := range details {
		dst = append(dst, separator, '"')
		dst = append(dst, d.Name...)
		dst = append(dst, `":`...)
		dst = append(dst, d.Value...)
		separator = ','
	}
	return append(dst, '}')
}
