using EveStorage.Bench.ZfsStream;

// Usage: EveStorage.Bench.ZfsStream fletcher [ROUNDS]
//        EveStorage.Bench.ZfsStream make plain|lz4|zstd DISK STREAM
switch (args)
{
    case ["fletcher", .. string[] rest]:
        FletcherTable.Print(rest is [string rounds] ? int.Parse(rounds) : 5);
        return 0;
    case ["make", string compression, string disk, string stream]:
        StreamMaker.Make(compression, disk, stream);
        return 0;
    default:
        Console.Error.WriteLine("usage: fletcher [ROUNDS] | make plain|lz4|zstd DISK STREAM");
        return 2;
}
