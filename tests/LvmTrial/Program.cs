using EveStorage.LvmTrial;

// Runs trials of the LVM backend against the kernel it runs on, in one process, since starting one under emulation takes long.
// Each line of output is a promise that was kept or broken. LvmPoolTests of tests/Lab.Tests runs it in a guest.
//   dotnet EveStorage.LvmTrial.dll TRIAL DRIVE...
string trial = args[0];
string[] drives = args[1..];
Sentences said = new(Console.Out);
await (trial switch
{
    "promises" => PromiseTrial.RunAsync(said, drives[0], drives[1..]),
    "refusals" => RefusalTrial.RunAsync(said, drives),
    "filling" => FillingTrial.RunAsync(said, drives),
    "streams" => StreamTrial.RunAsync(said, drives),
    "metadata" => MetadataTrial.RunAsync(said, drives),
    "drives" => DriveTrial.RunAsync(said, drives),
    "half-made" => TransactionTrial.RunAsync(said, drives[0]),
    "thin-cuts" => CutTrial.ThinAsync(said, drives),
    "thick-cuts" => CutTrial.ThickAsync(said, drives),
    _ => throw new ArgumentException($"there is no trial {trial}"),
});
return said.Broken == 0 ? 0 : 9;
