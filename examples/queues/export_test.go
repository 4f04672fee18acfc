package main

// NewKafkaOf returns a sender of a producer.
var NewKafkaOf = newKafka
