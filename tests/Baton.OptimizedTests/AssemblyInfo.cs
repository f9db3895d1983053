// What another test allocates meanwhile would count, too.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]
