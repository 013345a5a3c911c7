// Package checkpoint is what Waymark's consumers commit to Kafka beside an offset. Kafka's own offset metadata is the only log
// they have, so its formats carry a version, and a consumer refuses what a newer one wrote.
package checkpoint
