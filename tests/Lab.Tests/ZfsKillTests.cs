namespace EveStorage.Tests;

/// <summary>The same as LvmKillTests on a pool of ZFS, a stripe of two drives.</summary>
public sealed class ZfsKillTests(ITestOutputHelper output)
{
    private static readonly bool s_long = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    [Fact]
    public async Task However_often_the_power_goes_all_that_was_acknowledged_is_there_and_nothing_half_made()
    {
        Guest.Require(Guest.NewKernelWithZfs);
        int seed = int.TryParse(Environment.GetEnvironmentVariable("EVESTORAGE_SEED"), out int asked) ? asked : Random.Shared.Next();
        int kills = s_long ? 20 : 1;
        output.WriteLine($"EVESTORAGE_SEED={seed}");
        using PowerCutMachine machine = new(new ZfsPowerCutPool(), seed, output);
        for (int kill = 1; kill <= kills; kill++)
        {
            await machine.RunUntilKilledAsync($"cut {kill} of {kills}");
        }

        await machine.InspectAsync();
    }
}
