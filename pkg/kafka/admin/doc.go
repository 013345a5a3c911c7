// Package admin is what an operator's tool does to a cluster and pkg/kafka's services never do: it makes topics as they should be, tells how far
// groups are behind, and sets their offsets. It works on a pkg/kafka.Client, whose errors it returns.
//
// Its tests need a broker: they are in services/local/kafkatest and, through waymarkctl, services/local/e2e/ctl.
package admin
