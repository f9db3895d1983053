using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Samples.Redis;

/// <summary>
/// What the commands of the sample answer. The same conversations are had with Redis itself, so that nothing is expected here that Redis
/// does not do.
/// </summary>
public sealed class RedisCommandTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const string Strings = """
        SET k v => OK
        GET k => v
        GET missing => nil
        SET k v2 NX => nil
        SET k v2 XX => OK
        SET new v XX => nil
        SET k v3 GET => v2
        SET k v4 NX GET => v3
        GET k => v3
        SET k v EX 100 => OK
        TTL k => :100
        SET k v KEEPTTL => OK
        TTL k => :100
        SET k v => OK
        TTL k => :-1
        SET k v PX 100000 => OK
        TTL k => :100
        SET k v EX 0 => -ERR invalid expire time in 'set' command
        SET k v EX abc => -ERR value is not an integer or out of range
        SET k v EX 10 PX 10 => -ERR syntax error
        SET k v EX 10 KEEPTTL => -ERR syntax error
        SET k v NX XX => -ERR syntax error
        SET k v EX => -ERR syntax error
        SET k => -ERR wrong number of arguments for 'set' command
        set k lower => OK
        SETNX k x => :0
        SETNX k2 x => :1
        GETSET k2 y => x
        GETDEL k2 => y
        EXISTS k2 => :0
        MSET a 1 b 2 => OK
        MSET a 1 b => -ERR wrong number of arguments for 'mset' command
        MGET a missing b => [1, nil, 2]
        APPEND a 23 => :3
        APPEND fresh x => :1
        STRLEN a => :3
        STRLEN missing => :0
        SET r Hello => OK
        GETRANGE r 1 3 => ell
        GETRANGE r -3 -1 => llo
        GETRANGE r 3 100 => lo
        GETRANGE r 4 2 => ''
        SETRANGE r 5 World => :10
        GET r => HelloWorld
        SETRANGE gone 5 '' => :0
        EXISTS gone => :0
        SETRANGE r -1 x => -ERR offset is out of range
        SETRANGE r 536870912 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        SET empty '' => OK
        GET empty => ''
        RPUSH l a => :1
        GET l => -WRONGTYPE Operation against a key holding the wrong kind of value
        MGET l a => [nil, 123]
        SET l v GET => -WRONGTYPE Operation against a key holding the wrong kind of value
        SETEX s 10 v => OK
        TTL s => :10
        SETEX s 0 v => -ERR invalid expire time in 'setex' command
        PSETEX s 20000 v => OK
        TTL s => :20
        """;

    private const string Counters = """
        INCR n => :1
        INCRBY n 41 => :42
        DECR n => :41
        DECRBY n 40 => :1
        DECRBY n -9223372036854775808 => -ERR decrement would overflow
        SET n 9223372036854775807 => OK
        INCR n => -ERR increment or decrement would overflow
        GET n => 9223372036854775807
        SET n 01 => OK
        INCR n => -ERR value is not an integer or out of range
        SET n +1 => OK
        INCR n => -ERR value is not an integer or out of range
        SET n '' => OK
        INCR n => -ERR value is not an integer or out of range
        INCRBY m x => -ERR value is not an integer or out of range
        EXISTS m => :0
        INCRBYFLOAT f 10.5 => 10.5
        INCRBYFLOAT f 0.1 => 10.6
        INCRBYFLOAT f -10.6 => 0
        INCRBYFLOAT f 5.0e3 => 5000
        INCRBYFLOAT f x => -ERR value is not a valid float
        SET f x => OK
        INCRBYFLOAT f 1 => -ERR value is not a valid float
        """;

    private const string Keys = """
        MSET a 1 b 2 => OK
        EXISTS a b a c => :3
        DEL a c => :1
        UNLINK b => :1
        DBSIZE => :0
        TYPE a => none
        SET a 1 => OK
        TYPE a => string
        RPUSH l x => :1
        TYPE l => list
        HSET h f v => :1
        TYPE h => hash
        SADD s m => :1
        TYPE s => set
        ZADD z 1 m => :1
        TYPE z => zset
        TTL a => :-1
        TTL missing => :-2
        PTTL missing => :-2
        EXPIRE a 100 => :1
        TTL a => :100
        EXPIRE a 200 NX => :0
        EXPIRE a 200 XX => :1
        EXPIRE a 100 GT => :0
        EXPIRE a 100 LT => :1
        EXPIRE a 100 QQ => -ERR Unsupported option QQ
        EXPIRE missing 100 => :0
        EXPIRE a x => -ERR value is not an integer or out of range
        EXPIRE a 9223372036854775807 => -ERR invalid expire time in 'expire' command
        PERSIST a => :1
        PERSIST a => :0
        PEXPIRE a 100000 => :1
        EXPIREAT a 99999999999 => :1
        EXPIRE a 0 => :1
        EXISTS a => :0
        SET a 1 => OK
        EXPIRE a -1 => :1
        GET a => nil
        SET a 1 EX 50 => OK
        RENAME a c => OK
        TTL c => :50
        EXISTS a => :0
        RENAME c c => OK
        RENAME missing x => -ERR no such key
        RENAMENX c l => :0
        RENAMENX c d => :1
        KEYS d* => [d]
        KEYS [a-d] => [d]
        KEYS [^d]x => []
        FLUSHDB => OK
        DBSIZE => :0
        SCAN 0 => [0, []]
        SET only 1 => OK
        SCAN 0 MATCH on* COUNT 5 => [0, [only]]
        SCAN 0 MATCH x* => [0, []]
        SCAN 0 TYPE list => [0, []]
        SCAN x => -ERR invalid cursor
        SCAN 0 COUNT 0 => -ERR syntax error
        FLUSHALL => OK
        FLUSHALL x => -ERR syntax error
        """;

    private const string Lists = """
        RPUSH l b c => :2
        LPUSH l a z => :4
        LRANGE l 0 -1 => [z, a, b, c]
        LRANGE l 1 2 => [a, b]
        LRANGE l -2 100 => [b, c]
        LRANGE l 5 10 => []
        LRANGE missing 0 -1 => []
        LLEN l => :4
        LLEN missing => :0
        LINDEX l 0 => z
        LINDEX l -1 => c
        LINDEX l 10 => nil
        LSET l 0 y => OK
        LSET l 10 y => -ERR index out of range
        LSET missing 0 y => -ERR no such key
        LPOP l => y
        RPOP l => c
        LPOP l 5 => [a, b]
        EXISTS l => :0
        LPOP l => nil
        LPOP l 5 => nil
        LPOP l -1 => -ERR value is out of range, must be positive
        LPUSHX l a => :0
        RPUSH l a b a c a b => :6
        LREM l 2 a => :2
        LRANGE l 0 -1 => [b, c, a, b]
        LREM l -1 b => :1
        LRANGE l 0 -1 => [b, c, a]
        LREM l 0 x => :0
        LTRIM l 1 -1 => OK
        LRANGE l 0 -1 => [c, a]
        LTRIM l 5 6 => OK
        EXISTS l => :0
        RPUSH l a => :1
        BLPOP x l 0 => [l, a]
        BLPOP x 0.01 => nil
        BLPOP x -1 => -ERR timeout is negative
        SET s v => OK
        LPUSH s a => -WRONGTYPE Operation against a key holding the wrong kind of value
        """;

    private const string Hashes = """
        HSET h a 1 b 2 => :2
        HSET h a 3 c 4 => :1
        HSET h a => -ERR wrong number of arguments for 'hset' command
        HSET h a 1 b => -ERR wrong number of arguments for 'hset' command
        HGET h a => 3
        HGET h x => nil
        HGET missing x => nil
        HMGET h a x c => [3, nil, 4]
        HMGET missing a => [nil]
        HGETALL h => [a, 3, b, 2, c, 4]
        HGETALL missing => []
        HKEYS h => [a, b, c]
        HVALS h => [3, 2, 4]
        HLEN h => :3
        HEXISTS h a => :1
        HEXISTS h x => :0
        HDEL h a x => :1
        HSETNX h b 9 => :0
        HSETNX h d 9 => :1
        HINCRBY h d 1 => :10
        HINCRBY h new -5 => :-5
        HSET h t x => :1
        HINCRBY h t 1 => -ERR hash value is not an integer
        HMSET h m 1 => OK
        HDEL h b c d new t m => :6
        EXISTS h => :0
        """;

    private const string Sets = """
        SADD s a b c a => :3
        SADD s a => :0
        SCARD s => :3
        SISMEMBER s a => :1
        SISMEMBER s x => :0
        SREM s a x => :1
        SADD t b d => :2
        SINTER s t => [b]
        SINTER s missing => []
        SDIFF s t => [c]
        SDIFF missing s => []
        SPOP one => nil
        SADD one m => :1
        SPOP one => m
        EXISTS one => :0
        SADD one m => :1
        SPOP one 5 => [m]
        SPOP one 5 => []
        SPOP one -1 => -ERR value is out of range, must be positive
        """;

    private const string SortedSets = """
        ZADD z 1 a 2 b 3 c => :3
        ZADD z 5 a => :0
        ZADD z CH 1 a 9 d => :2
        ZADD z NX 7 a 8 e => :1
        ZADD z XX 7 x => :0
        ZADD z GT 0 a => :0
        ZADD z LT CH 0.5 a => :1
        ZADD z NX XX 1 a => -ERR XX and NX options at the same time are not compatible
        ZADD z NX GT 1 a => -ERR GT, LT, and/or NX options at the same time are not compatible
        ZADD z x a => -ERR value is not a valid float
        ZADD z 1 a 2 => -ERR syntax error
        ZADD z INCR 1 b => 3
        ZSCORE z a => 0.5
        ZSCORE z missing => nil
        ZRANK z a => :0
        ZRANK z d => :4
        ZRANK z missing => nil
        ZREVRANK z d => :0
        ZRANGE z 0 -1 => [a, b, c, e, d]
        ZRANGE z 0 1 WITHSCORES => [a, 0.5, b, 3]
        ZRANGE z 0 1 REV => [d, e]
        ZREVRANGE z 0 0 => [d]
        ZRANGE z 3 1 => []
        ZRANGEBYSCORE z -inf +inf => [a, b, c, e, d]
        ZRANGEBYSCORE z (3 9 WITHSCORES => [e, 8, d, 9]
        ZRANGEBYSCORE z 3 (9 LIMIT 1 1 => [c]
        ZRANGEBYSCORE z 3 9 LIMIT 1 -1 => [c, e, d]
        ZRANGEBYSCORE z x 9 => -ERR min or max is not a float
        ZCOUNT z 3 8 => :3
        ZCOUNT z (3 (8 => :0
        ZCARD z => :5
        ZINCRBY z 1.5 a => 2
        ZINCRBY z inf inf => inf
        ZINCRBY z -inf inf => -ERR resulting score is not a number (NaN)
        ZREM z a b c d e inf missing => :6
        EXISTS z => :0
        """;

    private const string Transactions = """
        MULTI => OK
        SET a 1 => QUEUED
        INCR a => QUEUED
        LPOP a => QUEUED
        GET a => QUEUED
        DISCARD => OK
        EXISTS a => :0
        MULTI => OK
        MULTI => -ERR MULTI calls can not be nested
        WATCH a => -ERR WATCH inside MULTI is not allowed
        SET a 1 => QUEUED
        INCR a => QUEUED
        EXEC => [OK, :2]
        EXEC => -ERR EXEC without MULTI
        DISCARD => -ERR DISCARD without MULTI
        MULTI => OK
        GET => -ERR wrong number of arguments for 'get' command
        EXEC => -EXECABORT Transaction discarded because of previous errors.
        MULTI => OK
        BLPOP x 0 => QUEUED
        EXEC => [nil]
        WATCH a => OK
        SET a 2 => OK
        MULTI => OK
        GET a => QUEUED
        EXEC => nil
        WATCH a => OK
        SET a 3 => OK
        UNWATCH => OK
        MULTI => OK
        GET a => QUEUED
        EXEC => [3]
        """;

    private const string Connections = """
        PING => PONG
        PING hi => hi
        ECHO hi => hi
        SELECT 0 => OK
        SELECT 99 => -ERR DB index is out of range
        CLIENT GETNAME => nil
        CLIENT SETNAME me => OK
        CLIENT GETNAME => me
        CLIENT SETNAME a\nb => -ERR Client names cannot contain spaces, newlines or special characters.
        CONFIG GET save => [save, '']
        CONFIG GET appendonl? => [appendonly, no]
        HELLO 4 => -NOPROTO unsupported protocol version
        HELLO x => -ERR Protocol version is not an integer or out of range
        NOSUCH a b => -ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b'
        PUBLISH nobody x => :0
        QUIT => OK
        """;

    public static TheoryData<string, string> Conversations => new()
    {
        { "strings", Strings },
        { "counters", Counters },
        { "keys", Keys },
        { "lists", Lists },
        { "hashes", Hashes },
        { "sets", Sets },
        { "sorted sets", SortedSets },
        { "transactions", Transactions },
        { "connections", Connections },
    };

    [Theory]
    [MemberData(nameof(Conversations), DisableDiscoveryEnumeration = true)]
    public async Task The_sample_answers_as_it_should(string topic, string script)
    {
        _ = topic;
        await using var sample = await RedisSample.StartAsync();

        NetTest.Run(async () =>
        {
            await using var client = await sample.ConnectAsync();
            await RedisScript.HaveAsync(client, script);
        });

        await sample.StopAsync();
    }

    [Theory]
    [MemberData(nameof(Conversations), DisableDiscoveryEnumeration = true)]
    public void Redis_answers_the_same(string topic, string script)
    {
        _ = topic;
        CounterpartProcess.Require("redis-server");

        NetTest.Run(async () =>
        {
            await using var client = await RedisClient.Connect(redis.EndPoint);
            await client.Call("FLUSHALL");
            await RedisScript.HaveAsync(client, script);
        });
    }
}
