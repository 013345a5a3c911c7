module github.com/waymark-events/waymark/services

go 1.26.0

require (
	github.com/waymark-events/waymark/pkg v0.0.0
	github.com/waymark-events/waymark/schemas v0.0.0
)

replace github.com/waymark-events/waymark/schemas => ../schemas

replace github.com/waymark-events/waymark/pkg => ../pkg
