// Package history stores traffic of days that are over, straight in the table events: a demo has something to show from its first second, and answers
// can be measured over as many events as wanted.
//
// Its events go through the enricher's own code and the sink's, but not through Kafka, since the enricher takes no event for older than a week. They
// name a raw topic that does not exist (Topic), so that they can be told from events that came through the edge.
package history
