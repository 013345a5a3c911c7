// Package schemas embeds Waymark's published contracts.
package schemas
