// Package web is the console's page, as it was built.
package web

import "embed"

// Dist has the built files, in the folder dist.
//
//go:embed all:dist
var Dist embed.FS
