"""What the client of Kinesis asks and makes of the answers, for the test of services that take JSON."""

from typing import Any

# call, target, what is asked, the answer, and what the script gets.
KINESIS: list[tuple[str, str, dict[str, Any], dict[str, Any], Any]] = [
    (
        "KinesisClient(config).createStream('s', { shardCount: 2 })",
        "Kinesis_20131202.CreateStream",
        {"StreamName": "s", "ShardCount": 2},
        {},
        None,
    ),
    (
        "KinesisClient(config).deleteStream('s', { enforceConsumerDeletion: true })",
        "Kinesis_20131202.DeleteStream",
        {"StreamName": "s", "EnforceConsumerDeletion": True},
        {},
        None,
    ),
    (
        "KinesisClient(config).listStreams({ limit: 3 })",
        "Kinesis_20131202.ListStreams",
        {"Limit": 3},
        {"HasMoreStreams": True, "StreamNames": ["a"], "StreamSummaries": [{"StreamName": "a"}]},
        {
            "hasMoreStreams": True,
            "nextToken": "",
            "streamNames": ["a"],
            "streamSummaries": [{"streamName": "a"}],
        },
    ),
    (
        "KinesisClient(config).putRecords([{ Data: 'eA==', PartitionKey: 'p' }], { streamName: 's' })",
        "Kinesis_20131202.PutRecords",
        {"Records": [{"Data": "eA==", "PartitionKey": "p"}], "StreamName": "s"},
        {"FailedRecordCount": 0, "Records": [{"SequenceNumber": "1", "ShardId": "shard-0"}]},
        {"failedRecordCount": 0, "records": [{"sequenceNumber": "1", "shardId": "shard-0"}]},
    ),
    (
        "KinesisClient(config).getRecords('it', { limit: 5 })",
        "Kinesis_20131202.GetRecords",
        {"ShardIterator": "it", "Limit": 5},
        {
            "NextShardIterator": "next",
            "Records": [{"Data": "eA==", "PartitionKey": "p", "SequenceNumber": "1"}],
        },
        {
            "nextShardIterator": "next",
            "records": [{"data": "eA==", "partitionKey": "p", "sequenceNumber": "1"}],
        },
    ),
    (
        "KinesisClient(config).listShards('s', { maxResults: 1 })",
        "Kinesis_20131202.ListShards",
        {"StreamName": "s", "MaxResults": 1},
        {
            "Shards": [
                {
                    "ShardId": "shard-0",
                    "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "9"},
                    "SequenceNumberRange": {"StartingSequenceNumber": "1"},
                }
            ]
        },
        {
            "shards": [
                {
                    "shardId": "shard-0",
                    "hashKeyRange": {"startingHashKey": "0", "endingHashKey": "9"},
                    "sequenceNumberRange": {"startingSequenceNumber": "1"},
                }
            ]
        },
    ),
    (
        "KinesisClient(config).getShardIterator('s', 'shard-0', 'LATEST')",
        "Kinesis_20131202.GetShardIterator",
        {"StreamName": "s", "ShardId": "shard-0", "ShardIteratorType": "LATEST"},
        {"ShardIterator": "it"},
        {"shardIterator": "it"},
    ),
]
