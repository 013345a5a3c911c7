package recorder

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkDecodeWorst are events of the edge's largest size that take the longest ways.
func BenchmarkDecodeWorst(b *testing.B) {
	const size = 32 << 10
	fill := func(format string) string {
		var out strings.Builder
		for i := 0; out.Len() < size-200; i++ {
			fmt.Fprintf(&out, format, i)
		}
		return strings.TrimSuffix(out.String(), ",")
	}
	for name, props := range map[string]string{
		"names":           "{" + fill(`"%d":1,`) + "}",
		"names of names":  "{" + fill(`"%d":{"a":{"b":{"c":1}}},`) + "}",
		"nested":          strings.Repeat(`{"a":[`, 15) + fill(`{"%d":1},`) + strings.Repeat(`]}`, 15),
		"odd numbers":     "[" + fill(`1e40%d,`) + "]",
		"half pairs":      `{"a":"` + strings.Repeat(`\ud83d`, size/6-20) + `"}`,
		"one large text":  `{"a":"` + strings.Repeat(`x`, size-200) + `"}`,
		"escaped colons":  `{"a":"` + strings.Repeat(`\":`, size/3-100) + `"}`,
		"bytes, no UTF-8": `{"a":"` + strings.Repeat("\xff", size-200) + `"}`,
	} {
		b.Run(name, func(b *testing.B) {
			value := []byte(around(`"props": `+props, ""))
			b.SetBytes(int64(len(value)))
			b.ReportAllocs()
			var e Event
			for b.Loop() {
				if err := Decode(value, &e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
