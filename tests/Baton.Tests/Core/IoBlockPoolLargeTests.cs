namespace Baton.Tests.Core;

public class IoBlockPoolLargeTests
{
    [Fact]
    public void LargeBlocksAreLentAgain()
    {
        var pool = new IoBlockPool();
        var blocks = Enumerable.Range(0, 6).Select(_ => pool.RentLarge()).ToArray();
        Assert.All(blocks, block => Assert.Equal((IoBlockPool.LargeBlockSize, 0), (block.Space.Length, block.Length)));
        Assert.Equal(6, blocks.Distinct().Count());
        Assert.Equal(6, pool.LentCount);
        foreach (var block in blocks)
        {
            block.Length = 1;
            block.Release();
        }

        Assert.Equal(0, pool.LentCount);
        Assert.Equal(0, pool.FreeCount);

        // Four are kept, the last first.
        var again = Enumerable.Range(0, 5).Select(_ => pool.RentLarge()).ToArray();
        Assert.Equal(blocks[..4].Reverse(), again[..4]);
        Assert.DoesNotContain(again[4], blocks);
        Assert.Throws<InvalidOperationException>(() => blocks[5].Release());
    }
}
