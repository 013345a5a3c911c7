package columns

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A shape is one way to keep props and detail: columns in their place, what to insert into them of the text, and settings of the table.
type shape struct {
	name             string
	columns          []string
	values, settings string
	// plan asks for one property of each row as text.
	plan string
}

// Settings of the table: how paths that are no columns of their own are written.
const (
	advanced = "object_shared_data_serialization_version = 'advanced', object_shared_data_serialization_version_for_zero_level_parts = 'map_with_buckets'"
	buckets  = "object_shared_data_serialization_version = 'map_with_buckets', object_shared_data_serialization_version_for_zero_level_parts = 'map', object_shared_data_buckets_for_wide_part = 8"
	plainMap = "object_shared_data_serialization_version = 'map', object_shared_data_serialization_version_for_zero_level_parts = 'map'"
)

var (
	pathColumns = []string{"props JSON", "detail JSON"}
	someColumns = []string{"props JSON(max_dynamic_paths = 16)", "detail JSON(max_dynamic_paths = 16)"}
	noColumns   = []string{"props JSON(max_dynamic_paths = 0)", "detail JSON(max_dynamic_paths = 0)"}
	maps        = []string{"props Map(LowCardinality(String), String)", "detail Map(LowCardinality(String), String)"}
	texts       = []string{"props String CODEC(ZSTD(1))", "detail String CODEC(ZSTD(1))"}
	both        = []string{"props JSON(max_dynamic_paths = 0) CODEC(ZSTD(1))", "props_text String CODEC(ZSTD(1))", "detail JSON(max_dynamic_paths = 0) CODEC(ZSTD(1))", "detail_text String CODEC(ZSTD(1))"}
)

const ofMap = "JSONExtractKeysAndValuesRaw(props)::Map(LowCardinality(String), String), JSONExtractKeysAndValuesRaw(detail)::Map(LowCardinality(String), String)"

var shapes = []shape{
	{"JSON", pathColumns, "props, detail", advanced, "props.plan::String"},
	{"JSON-16-paths", someColumns, "props, detail", advanced, "props.plan::String"},
	{"JSON-0-paths-advanced", noColumns, "props, detail", advanced, "props.plan::String"},
	{"JSON-0-paths-buckets", noColumns, "props, detail", buckets, "props.plan::String"},
	{"JSON-0-paths-map", noColumns, "props, detail", plainMap, "props.plan::String"},
	{"Map", maps, ofMap, plainMap, "props['plan']"},
	{"String", texts, "props, detail", plainMap, "JSONExtractString(props, 'plan')"},
	{"String-cast-when-read", texts, "props, detail", plainMap, "props::JSON(max_dynamic_paths = 0).plan::String"},
	{"JSON-0-paths-buckets-and-String", both, "props, props, detail, detail", buckets, "props.plan::String"},
	{"JSON-0-paths-map-and-String", both, "props, props, detail, detail", plainMap, "props.plan::String"},
}

// event is what one event has for props and detail: each account has a dozen names of its own and one that all have, in every
// third event, and half of the events have a detail.
func event(rng *rand.Rand) (account, props, detail string) {
	n := rng.IntN(4)
	account, props, detail = fmt.Sprintf("account-%d", n), "{}", "{}"
	if rng.IntN(3) == 0 {
		members := []string{fmt.Sprintf(`"plan":"%s"`, []string{"free", "pro", "team"}[rng.IntN(3)])}
		for i := range 12 {
			if rng.IntN(3) > 0 {
				continue
			}
			name := fmt.Sprintf("a%d_property_%d", n, i)
			members = append(members, fmt.Sprintf(`"%s":%s`, name, []string{
				fmt.Sprintf(`"value %d"`, rng.IntN(1000)), fmt.Sprint(rng.IntN(100)), fmt.Sprintf("%.2f", rng.Float64()*100), "true",
				fmt.Sprintf(`{"total":%d,"currency":"EUR"}`, rng.IntN(1000)), `["red","green"]`,
			}[i%6]))
		}
		props = "{" + strings.Join(members, ",") + "}"
	}
	switch rng.IntN(10) {
	case 0, 1, 2:
		detail = `{"init":{"type":"launcher"}}`
	case 3:
		detail = fmt.Sprintf(`{"answers":[{"question":"How likely are you to recommend us?","answer":%d},{"question":"Why?","answer":"It is number %d"}]}`, rng.IntN(11), rng.IntN(1000))
	case 4:
		detail = fmt.Sprintf(`{"query":"how to %d","result":null}`, rng.IntN(1000))
	}
	return account, props, detail
}
