package schemas

import _ "embed"

// EnrichedProto is the Protobuf schema of a record's value on the enriched topic.
//
//go:embed proto/enriched.proto
var EnrichedProto []byte
