/**
 * Columns that a capture adds to every row: where in Kafka it stood, and which partitions were captured (`0,1,2`): a window is
 * not over before all of them have passed it. A file with all five is replayed as its topic would be.
 */
export const capturedColumns = {
  topic: "kafka_topic",
  partition: "kafka_partition",
  offset: "kafka_offset",
  timestamp: "kafka_timestamp",
  partitions: "kafka_partitions",
} as const;
