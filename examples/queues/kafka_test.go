package main_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/IBM/sarama/mocks"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	queues "github.com/go-webpubsub/webpubsub/examples/queues"
	"github.com/go-webpubsub/webpubsub/forward"
)

const topic = "webpubsub"

// kafka starts a broker that answers produce requests, and returns a sender to it.
func kafka(t *testing.T, produce sarama.MockResponse) (*sarama.MockBroker, *queues.Kafka) {
	t.Helper()
	broker := sarama.NewMockBroker(t, 1)
	broker.SetHandlerByMap(map[string]sarama.MockResponse{
		"ApiVersionsRequest": sarama.NewMockApiVersionsResponse(t),
		"MetadataRequest":    sarama.NewMockMetadataResponse(t).SetBroker(broker.Addr(), 1).SetLeader(topic, 0, 1),
		"ProduceRequest":     produce,
	})
	config := sarama.NewConfig()
	config.Producer.Retry.Max, config.Metadata.Retry.Max = 0, 0
	sender, err := queues.NewKafka([]string{broker.Addr()}, topic, config)
	require.NoError(t, err)
	return broker, sender
}

func TestKafka(t *testing.T) {
	t.Parallel()
	broker, sender := kafka(t, sarama.NewMockProduceResponse(t))
	_, err := connect(t, handler(t, sender.Send, nil), nil).SendText(t.Context(), "say", "hello")
	require.NoError(t, err)
	sender.Close()
	broker.Close()
	acks := sarama.NoResponse
	for _, exchange := range broker.History() {
		if request, ok := exchange.Request.(*sarama.ProduceRequest); ok {
			acks = request.RequiredAcks
		}
	}
	assert.Equal(t, sarama.WaitForAll, acks)
}

func TestKafkaRecord(t *testing.T) {
	t.Parallel()
	config := mocks.NewTestConfig()
	config.Producer.Return.Successes = true
	producer := mocks.NewAsyncProducer(t, config)
	var record *sarama.ProducerMessage
	producer.ExpectInputWithMessageCheckerFunctionAndSucceed(func(msg *sarama.ProducerMessage) error {
		record = msg
		return nil
	})
	sender := queues.NewKafkaOf(producer, topic)
	_, err := connect(t, handler(t, sender.Send, nil), nil).SendText(t.Context(), "say", "hello")
	require.NoError(t, err)
	sender.Close()

	assert.Equal(t, topic, record.Topic)
	assert.Equal(t, sarama.StringEncoder("/hubs/chat/client/c1"), record.Key)
	assert.Equal(t, sarama.ByteEncoder("hello"), record.Value)
	header := make(map[string]string)
	for _, h := range record.Headers {
		header[string(h.Key)] = string(h.Value)
	}
	for name, want := range map[string]string{
		"ce_id": "2", "ce_source": "/hubs/chat/client/c1", "ce_type": "azure.webpubsub.user.say", "content-type": "text/plain; charset=utf-8",
		"ce_userid": "Zoë", "ce_traceparent": traceparent,
	} {
		assert.Equal(t, want, header[name], name)
	}
}

func TestKafkaRefuses(t *testing.T) {
	t.Parallel()
	broker, sender := kafka(t, sarama.NewMockProduceResponse(t).SetError(topic, 0, sarama.ErrNotEnoughReplicas))
	conn := connect(t, handler(t, sender.Send, nil), nil)
	_, err := conn.SendText(t.Context(), "say", "hello")
	requireStatus(t, http.StatusServiceUnavailable, err)
	sender.Close()
	broker.Close()
}

func TestKafkaIsSlow(t *testing.T) {
	t.Parallel()
	broker, sender := kafka(t, nil) // a broker that never answers
	conn := connect(t, handler(t, sender.Send, &forward.Options{Timeout: 100 * time.Millisecond}), nil)
	_, err := conn.SendText(t.Context(), "say", "hello")
	requireStatus(t, http.StatusServiceUnavailable, err)
	broker.Close()
	sender.Close()
}

func TestKafkaIsDown(t *testing.T) {
	t.Parallel()
	broker, sender := kafka(t, sarama.NewMockProduceResponse(t))
	broker.Close()
	conn := connect(t, handler(t, sender.Send, &forward.Options{Timeout: 5 * time.Second}), nil)
	_, err := conn.SendText(t.Context(), "say", "hello")
	requireStatus(t, http.StatusServiceUnavailable, err)
	sender.Close()
	_, err = queues.NewKafka([]string{broker.Addr()}, topic, nil)
	assert.ErrorIs(t, err, sarama.ErrOutOfBrokers)
}
