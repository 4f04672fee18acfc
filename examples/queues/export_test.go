package main

// NewKafkaOf returns a sender of a producer.
var NewKafkaOf = newKafka

// ConnectNATS connects like the program.
var ConnectNATS = connectNATS
