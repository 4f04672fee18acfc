package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/IBM/sarama"
	"github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
)

// Kafka sends events to a topic of Kafka, or of Azure Event Hubs.
//
// It does not use the Sender of kafka_sarama, which waits without regard to the context,
// and acknowledges an event if the producer was closed meanwhile: that event is lost.
type Kafka struct {
	producer sarama.AsyncProducer
	topic    string
	results  sync.WaitGroup
}

// NewKafka returns a sender to a topic. Only Close ends it. The config has what the
// brokers need, such as TLS and SASL; nil means the defaults of sarama.
func NewKafka(brokers []string, topic string, config *sarama.Config) (*Kafka, error) {
	if config == nil {
		config = sarama.NewConfig()
	}
	own := *config
	own.Producer.RequiredAcks = sarama.WaitForAll // a leader that dies with the event has acknowledged nothing
	own.Producer.Return.Successes, own.Producer.Return.Errors = true, true
	producer, err := sarama.NewAsyncProducer(brokers, &own)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return newKafka(producer, topic), nil
}

func newKafka(producer sarama.AsyncProducer, topic string) *Kafka {
	k := &Kafka{producer: producer, topic: topic}
	k.results.Go(func() {
		for msg := range producer.Successes() {
			finish(msg, nil)
		}
	})
	k.results.Go(func() {
		for failed := range producer.Errors() {
			finish(failed.Msg, failed.Err)
		}
	})
	return k
}

// finish reports the result of a message to Send, which may no longer wait for it.
func finish(msg *sarama.ProducerMessage, err error) {
	if result, ok := msg.Metadata.(chan error); ok {
		result <- err // has room for one
	}
}

// Send produces an event and waits for the acknowledgement of all replicas. The key is
// the event's source, so that the events of a connection are in one partition. Kafka
// does not drop repeats: a consumer drops them by source and id.
func (k *Kafka) Send(ctx context.Context, ev cloudevents.Event) cloudevents.Result {
	result := make(chan error, 1)
	msg := &sarama.ProducerMessage{Topic: k.topic, Key: sarama.StringEncoder(ev.Source()), Metadata: result}
	if err := kafka_sarama.WriteProducerMessage(kafka_sarama.WithSkipKeyMapping(ctx), binding.ToMessage(&ev), msg); err != nil {
		return err
	}
	select {
	case k.producer.Input() <- msg:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close sends what is pending and waits for the results. Call it after the last Send:
// shut down the server first.
func (k *Kafka) Close() {
	k.producer.AsyncClose()
	k.results.Wait()
}
