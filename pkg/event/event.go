// Package event defines what crosses Waymark's process boundaries: the raw record the edge writes, the enriched
// event, and the dead record. It imports nothing else of Waymark, so every other package may import it.
package event
