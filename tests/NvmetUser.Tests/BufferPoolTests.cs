using EveStorage.NvmetUser;

namespace EveStorage.Tests;

public sealed class BufferPoolTests
{
    [Fact]
    public void One_controllers_commands_leave_as_much_as_they_have_for_another()
    {
        BufferPool pool = new(ByteSize.MiB(8));
        BufferShare greedy = new();
        BufferShare modest = new();

        List<PageBuffer> taken = [];
        while (pool.TryRent(128 << 10, greedy) is PageBuffer buffer)
        {
            taken.Add(buffer);
        }

        greedy.Used.ShouldBeLessThanOrEqualTo(4 << 20);
        pool.TryRent(128 << 10, modest).ShouldNotBeNull();
        taken.ForEach(b => pool.Return(b, greedy));
        greedy.Used.ShouldBe(0);
    }

    [Fact]
    public void What_connections_have_for_life_leaves_room_for_their_commands()
    {
        BufferPool pool = new(ByteSize.MiB(8));
        while (pool.TryRent(Limits.QueueBuffer) is not null)
        {
        }

        pool.TryRent(Limits.MaxTransfer, new()).ShouldNotBeNull();
    }

    [Fact]
    public void What_is_kept_for_the_next_is_part_of_the_limit()
    {
        BufferPool pool = new(ByteSize.MiB(4));
        int most = 0;
        foreach (int size in (int[])[16 << 10, 64 << 10, 128 << 10, 16 << 10, 128 << 10])
        {
            List<(PageBuffer Buffer, BufferShare Share)> taken = [];
            for (BufferShare share = new(); pool.TryRent(size, share) is PageBuffer buffer; share = new())
            {
                taken.Add((buffer, share));
            }

            most = Math.Max(most, (int)pool.Allocated.Bytes);
            taken.ForEach(t => pool.Return(t.Buffer, t.Share));
        }

        most.ShouldBeLessThanOrEqualTo(4 << 20);
        pool.Used.ShouldBe(new(0));
    }
}
