using System.Globalization;
using EveStorage.PowerTrial;

// Cuts the power of a drive with a pool of logical volumes: records what is written to it and when that is stable, and looks what a
// start makes of it. In one process, since starting one under emulation takes long. LvmPowerLossTests of tests/Lab.Tests runs it in
// a guest, whose drives it names.
//   dotnet EveStorage.PowerTrial.dll record SEED ACTS
//   dotnet EveStorage.PowerTrial.dll flushes|marks SEED ACTS POINTS
int[] numbers = [.. args[1..].Select(word => int.Parse(word, CultureInfo.InvariantCulture))];
if (args[0] == "record")
{
    await Recording.RunAsync(numbers[0], numbers[1]);
    return 0;
}

Checking checking = new(numbers[0], numbers[1]);
await (args[0] == "flushes" ? checking.RunFlushesAsync(numbers[2]) : checking.RunMarksAsync(numbers[2]));
return checking.Broken == 0 ? 0 : 9;
