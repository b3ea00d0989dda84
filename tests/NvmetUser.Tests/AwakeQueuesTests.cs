using EveStorage.NvmetUser;

namespace EveStorage.Tests;

public sealed class AwakeQueuesTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(8, 4)]
    public void Queues_spin_while_no_more_are_awake_than_half_of_the_processors(int processors, int most)
    {
        AwakeQueues awake = new(processors);
        for (int queue = 0; queue < most; queue++)
        {
            awake.Enter();
        }

        awake.MaySpin.ShouldBeTrue();
        awake.Enter();
        awake.MaySpin.ShouldBeFalse();
        awake.Leave();
        awake.MaySpin.ShouldBeTrue();
    }
}
