namespace EveStorage.Tests;

/// <summary>The same as LvmKillTests on a pool of ZFS, a stripe of two drives.</summary>
public sealed class ZfsKillTests(ITestOutputHelper output)
{
    private const int Kills = 20;

    [Fact]
    public async Task However_often_the_power_goes_all_that_was_acknowledged_is_there_and_nothing_half_made()
    {
        Guest.RequireLong();
        Guest.Require(Guest.NewKernelWithZfs);
        int seed = int.TryParse(Environment.GetEnvironmentVariable("EVESTORAGE_SEED"), out int asked) ? asked : Random.Shared.Next();
        output.WriteLine($"EVESTORAGE_SEED={seed}");
        using PowerCutMachine machine = new(new ZfsPowerCutPool(), seed, output);
        for (int kill = 1; kill <= Kills; kill++)
        {
            await machine.RunUntilKilledAsync($"cut {kill} of {Kills}");
        }

        await machine.InspectAsync();
    }
}
