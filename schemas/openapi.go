package schemas

import _ "embed"

// OpenAPI is the edge's HTTP interface, as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1) in YAML. Its schema Event is EventSchema.
//
//go:embed openapi.yaml
var OpenAPI []byte
